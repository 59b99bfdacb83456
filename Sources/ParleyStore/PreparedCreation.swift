import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// What a plain creation comes to, worked out from the change alone.
///
/// Nearly all records of a cold sync are created by a group that writes each field once. Nothing
/// about them depends on the store, so this runs on the caller's thread while the writer is busy
/// with earlier batches; and because every dot is the creation's, the record needs no side blob.
/// Whatever isn't plain goes through `RecordState`; a test holds the two ways against each other.
struct PreparedCreation: Sendable {
    let id: RecordID
    let type: FieldName
    let document: [UInt8]
    /// The record's term of the casebook digest.
    let term: Digest

    /// - Returns: `nil` unless each operation writes a field of its own with text.
    init?(_ group: Group, index: Int, change hash: Digest) {
        guard group.kind == .record, group.subject == .created,
            case .operations(let type?, let operations) = group.content,
            let sorted = PreparedCreation.sorted(operations)
        else { return nil }
        id = RecordID(change: hash, group: index)
        self.type = type
        var document = DocumentWriter()
        var registers = ByteWriter(capacity: 512)
        var sets = ByteWriter()
        var registerCount = 0
        var setCount = 0
        for operation in sorted {
            guard let field = operation.field else { return nil }
            switch operation.kind {
            case .write:
                guard operation.values.count == 1,
                    let shown = PreparedCreation.shown(operation.values[0])
                else { return nil }
                document.write(Document.Field(name: field, shown: shown))
                registers.bytes(Array(field.text.utf8))
                PreparedCreation.cell(of: operation.values[0], &registers)
                registerCount += 1
            case .add:
                guard let elements = PreparedCreation.elements(operation.values) else { return nil }
                document.write(Document.Field(name: field, shown: .elements(elements)))
                PreparedCreation.set(field, of: elements, &sets)
                setCount += 1
            default: return nil
            }
        }
        self.document = document.finished()
        var state = ByteWriter(capacity: 64 + registers.count + sets.count)
        state.raw(id.bytes)
        state.bytes(Array(type.text.utf8))
        state.varint(1)
        state.prefix(hash.prefix)
        PreparedCreation.cell(of: .live, &state)
        state.varint(registerCount)
        state.raw(registers.bytes)
        state.varint(setCount)
        state.raw(sets.bytes)
        term = Hashing.digest(state.bytes)
    }

    /// - Returns: `nil` where a field is named twice.
    private static func sorted(_ operations: [Operation]) -> [Operation]? {
        var sorted = operations
        for index in sorted.indices.dropFirst()
        where name(sorted[index]) <= name(sorted[index - 1]) {
            sorted.sort { name($0) < name($1) }
            break
        }
        for index in sorted.indices.dropFirst()
        where name(sorted[index]) == name(sorted[index - 1]) {
            return nil
        }
        return sorted
    }

    private static func name(_ operation: Operation) -> String { operation.field?.text ?? "" }

    private static func shown(_ value: Value) -> Document.Shown? {
        switch value {
        case .absent: .absent
        case .text(let text) where isText(text): .text(text)
        default: nil
        }
    }

    private static func elements(_ values: [Value]) -> [[UInt8]]? {
        var elements: [[UInt8]] = []
        for value in values {
            guard case .text(let text) = value, isText(text) else { return nil }
            elements.append(text)
        }
        elements.sort { $0.lexicographicallyPrecedes($1) }
        for index in elements.indices.dropFirst() where elements[index] == elements[index - 1] {
            return nil
        }
        return elements.isEmpty ? nil : elements
    }

    private static func isText(_ bytes: [UInt8]) -> Bool {
        bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
    }

    /// One entry, by the only change there is.
    private static func cell(of value: Value, _ writer: inout ByteWriter) {
        writer.varint(1)
        writer.varint(0)
        writer.u8(value.tag)
        writer.bytes(value.payload)
    }

    private static func set(
        _ name: FieldName, of elements: [[UInt8]], _ writer: inout ByteWriter
    ) {
        writer.bytes(Array(name.text.utf8))
        writer.varint(elements.count)
        for element in elements {
            writer.u8(Value.text(element).tag)
            writer.bytes(element)
            cell(of: .present, &writer)
        }
    }
}

/// The plain creations of a batch: for each change, for each group.
struct PreparedBatch: Sendable {
    let batch: VerifiedBatch
    let creations: [[PreparedCreation?]]

    init(_ batch: VerifiedBatch) {
        self.batch = batch
        creations = zip(batch.batch.changes, batch.hashes).map { change, hash in
            change.groups.enumerated().map { index, group in
                PreparedCreation(group, index: index, change: hash)
            }
        }
    }
}
