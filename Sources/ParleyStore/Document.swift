package import ParleyCRDT

/// What a record shows: one value per register, the elements of each set.
///
/// Stored as a flat JSON object sorted by field name, so that plain SQL can read it. Reader and
/// writer are our own: the general ones cost ten to a thousand times as much per record.
package struct Document: Hashable, Sendable {
    package enum Shown: Hashable, Sendable {
        /// Unset on purpose, or erased.
        case absent
        case text([UInt8])
        /// The elements of a set, sorted by their bytes.
        case elements([[UInt8]])
    }

    package struct Field: Hashable, Sendable {
        package let name: FieldName
        package let shown: Shown
    }

    /// Sorted by name.
    package private(set) var fields: [Field] = []

    init() {}

    package subscript(name: FieldName) -> Shown? {
        fields.first { $0.name == name }?.shown
    }

    /// The text of a register, `nil` where nothing is shown.
    package func text(_ name: String) -> String? {
        guard case .text(let bytes)? = fields.first(where: { $0.name.text == name })?.shown else {
            return nil
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What stands for the record in lists.
    package var title: String { text("title") ?? text("name") ?? "" }

    /// Fields must be appended in the order of their names.
    mutating func append(_ name: FieldName, _ shown: Shown) {
        fields.append(Field(name: name, shown: shown))
    }

    // MARK: JSON

    var json: [UInt8] {
        var writer = DocumentWriter()
        for field in fields { writer.write(field.name, field.shown) }
        return writer.finished()
    }

    init(json: [UInt8]) throws {
        var reader = DocumentReader(json)
        fields = try reader.fields()
    }
}

/// Writes the flat JSON objects of documents, one after the other.
struct DocumentWriter {
    private var bytes: [UInt8] = []

    init() {
        bytes.reserveCapacity(1024)
        removeAll()
    }

    /// Begins the next document.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(UInt8(ascii: "{"))
    }

    /// Fields are written in the order of their names.
    mutating func write(_ field: FieldName, _ shown: Document.Shown) {
        name(field)
        switch shown {
        case .absent: bytes.append(contentsOf: "null".utf8)
        case .text(let text): string(text)
        case .elements(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                string(element)
            }
            bytes.append(UInt8(ascii: "]"))
        }
    }

    /// The document, in an array of its own size.
    mutating func finished() -> [UInt8] {
        bytes.append(UInt8(ascii: "}"))
        return bytes.withUnsafeBufferPointer { Array($0) }
    }

    private mutating func name(_ name: FieldName) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.text.utf8)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func string(_ text: [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        if DocumentWriter.isPlain(text) {
            bytes.append(contentsOf: text)
        } else {
            for byte in text { escaped(byte) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Whether nothing needs a backslash. Looks at all of it: without a way out in the middle this
    /// becomes vector code.
    private static func isPlain(_ text: [UInt8]) -> Bool {
        var special: UInt8 = 0
        for byte in text {
            special |= byte < 0x20 ? 1 : 0
            special |= byte == UInt8(ascii: "\"") ? 1 : 0
            special |= byte == UInt8(ascii: "\\") ? 1 : 0
        }
        return special == 0
    }

    private mutating func escaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0..<0x20:
            bytes.append(contentsOf: "\\u00".utf8)
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        default:
            bytes.append(byte)
        }
    }
}

/// Reads what `DocumentWriter` writes, and nothing else.
private struct DocumentReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func fields() throws -> [Document.Field] {
        var fields: [Document.Field] = []
        try expect("{")
        guard !take("}") else { return fields }
        repeat {
            guard let name = FieldName(bytes: try string()) else { throw damaged }
            try expect(":")
            fields.append(Document.Field(name: name, shown: try shown()))
        } while take(",")
        try expect("}")
        return fields
    }

    private mutating func shown() throws -> Document.Shown {
        if take("n") {
            offset += 3
            return .absent
        }
        guard take("[") else { return .text(try string()) }
        var elements: [[UInt8]] = []
        repeat { elements.append(try string()) } while take(",")
        try expect("]")
        return .elements(elements)
    }

    private mutating func string() throws -> [UInt8] {
        try expect("\"")
        let start = offset
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
            guard bytes[offset] != UInt8(ascii: "\\") else { return try escapedString(from: start) }
            offset += 1
        }
        let end = offset
        try expect("\"")
        return Array(bytes[start..<end])
    }

    private mutating func escapedString(from start: Int) throws -> [UInt8] {
        var text = Array(bytes[start..<offset])
        while offset < bytes.count, !take("\"") {
            if take("\\") {
                text.append(try escape())
            } else {
                text.append(bytes[offset])
                offset += 1
            }
        }
        return text
    }

    private mutating func escape() throws -> UInt8 {
        guard take("u") else {
            guard offset < bytes.count else { throw damaged }
            defer { offset += 1 }
            return bytes[offset]
        }
        guard offset + 4 <= bytes.count else { throw damaged }
        let digits = String(decoding: bytes[offset..<offset + 4], as: UTF8.self)
        offset += 4
        guard let byte = UInt8(digits, radix: 16) else { throw damaged }
        return byte
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        guard take(character) else { throw damaged }
    }

    private var damaged: StoreError { .damaged("a record's document") }
}
