import Foundation
import ParleyCRDT
import ParleyCasework
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyStore
import ParleyWire

/// What people type is read or refused, and what was read reads the same again.
///
/// The first byte of an input says which parser the text after it is for.
package struct TextTarget: FuzzTarget {
    package static let name = "query"

    package init() {}

    private enum Parser: Int, CaseIterable {
        case json, importLine, value, time, date, count, words, invitation, change, address, names
    }

    package func run(_ input: [UInt8]) throws {
        var source = ByteSource(input)
        let parser = Parser(rawValue: source.below(Parser.allCases.count))
        let form = TextTarget.forms[source.below(TextTarget.forms.count)]
        let bytes = source.rest()
        let text = String(decoding: bytes, as: UTF8.self)
        switch parser {
        case .json: try checkJSON(text)
        case .importLine: try checkImportLine(text)
        case .value: try check(text, as: form)
        case .time: try checkTime(text)
        case .date:
            let isDate = ImpreciseDate.isWellFormed(text)
            try expect(!isDate || !text.isEmpty, "nothing is no date")
        case .count:
            let isCount = ImpreciseCount.isWellFormed(text)
            try expect(!isCount || text.utf8.count <= 100, "a count is short")
        case .words: try checkWords(bytes)
        case .invitation: try checkInvitation(text)
        case .change: try checkChange(text)
        case .address: try checkAddress(text)
        case .names: try checkNames(text)
        case nil: break
        }
    }

    private static let forms: [ValueForm] = {
        var forms: [ValueForm] = []
        for type in Schema.casework.types {
            for field in type.fields where !forms.contains(field.form) { forms.append(field.form) }
        }
        return forms
    }()

    // MARK: Imports

    private func checkJSON(_ text: String) throws {
        guard let value = try? JSONParser.parse(text) else { return }
        let written = value.text
        let again = try? JSONParser.parse(written)
        try expect(again?.text == written, "a document that was read can be written and read")
        // Foundation takes numbers only as far as it can hold them.
        guard !hasNumber(value) else { return }
        let other = try? JSONSerialization.jsonObject(
            with: Data(text.utf8), options: .fragmentsAllowed)
        try expect(other != nil, "what is read is JSON")
    }

    private func hasNumber(_ value: JSONValue) -> Bool {
        switch value {
        case .number: true
        case .array(let values): values.contains(where: hasNumber)
        case .object(let members): members.contains { hasNumber($0.1) }
        case .null, .bool, .string, .raw: false
        }
    }

    private func checkImportLine(_ text: String) throws {
        guard let line = try? ImportLine(text, schema: .casework) else { return }
        let origin = Origin(node: NodeID(bytes: [UInt8](repeating: 1, count: 32))!, epoch: 1)
        let change = Change(
            origin: origin, sequence: 1, time: HybridTime(milliseconds: 1), contextDelta: [],
            groups: [.creation(type: line.type, line.operations)])
        let batch = Batch(
            origin: origin, first: 1,
            signature: [UInt8](repeating: 0, count: Batch.signatureBytes), changes: [change],
            salts: [.seed(changes: 1, [UInt8](repeating: 0, count: SaltRun.seedBytes))])
        try expect(batch.fits(), "what is imported can be sent")
    }

    // MARK: Values

    private func check(_ text: String, as form: ValueForm) throws {
        guard let value = try? form.accept(text) else { return }
        let kept = String(validating: value, as: UTF8.self)
        try expect(kept != nil, "a value is UTF-8")
        let again = try? form.accept(kept ?? "")
        try expect(again == value, "a value that was kept is accepted as it is")
        try expect(value.count <= ValueForm.maximumByteCount, "a value is bounded")
    }

    private func checkTime(_ text: String) throws {
        guard let time = Timestamp(text: text) else { return }
        try expect(Timestamp(text: time.text) == time, "a time is written as it is read")
    }

    // MARK: Searches

    private func checkWords(_ bytes: [UInt8]) throws {
        let words = SearchFolding.words(of: bytes)
        var joined: [UInt8] = []
        SearchFolding.append(bytes, to: &joined)
        let indexed = joined.split(separator: UInt8(ascii: " ")).map {
            String(decoding: $0, as: UTF8.self)
        }
        try expect(indexed == words, "words are indexed as they are looked for")
        for word in words {
            try expect(
                !word.isEmpty && !word.utf8.contains(where: { $0 <= 0x22 }),
                "a word can stand in quotes")
        }
    }

    // MARK: Names

    private func checkInvitation(_ text: String) throws {
        guard let invitation = try? Invitation(text: text) else { return }
        let again = try? Invitation(text: invitation.text)
        try expect(again == invitation, "an invitation is written as it is read")
    }

    private func checkChange(_ text: String) throws {
        guard let pattern = DotPattern(text, mayPrecede: true) else { return }
        let written =
            pattern.node + (pattern.epoch.isEmpty ? "" : ".\(pattern.epoch)")
            + ":\(pattern.sequence)" + (pattern.hash.isEmpty ? "" : "~\(pattern.hash)")
        try expect(
            DotPattern(written, mayPrecede: true) == pattern,
            "the name of a change is written as it is read")
        try expect(
            DotPattern(text) == (pattern.sequence > 0 ? pattern : nil), "changes count from 1")
    }

    private func checkAddress(_ text: String) throws {
        guard let (host, port) = HostPort.split(text) else { return }
        let written = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        let again = HostPort.split(written)
        try expect(
            again?.host == host && again?.port == port, "an address is written as it is read")
    }

    private func checkNames(_ text: String) throws {
        if let name = FieldName(text) {
            try expect(FieldName(bytes: Array(text.utf8)) == name, "a name is its bytes")
            try expect(text.utf8.count <= FieldName.maximumByteCount, "a name is bounded")
        }
        if let node = NodeID(text: text) {
            try expect(node.text == text.lowercased(), "a node is written as it is read")
        }
        if let record = RecordID(text: text) {
            try expect(record.text == text.lowercased(), "a record is written as it is read")
        }
        let bare = text.withoutDirectionMarks
        try expect(bare.withoutDirectionMarks == bare, "marks are taken out at once")
    }
}
