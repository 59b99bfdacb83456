/// Reads one JSON document from bytes.
///
/// Written for imports: no copy per token, numbers kept as they are written, nesting bounded, and
/// an error that tells where, not what.
///
/// Specification: RFC 8259.
package struct JSONParser {
    /// Why a text is no JSON, and at which byte.
    package struct Failure: Error, Hashable, Sendable {
        package let expected: String
        /// Counts from 1.
        package let column: Int
    }

    /// What an import line needs is 3.
    package static let maximumDepth = 8

    private let bytes: [UInt8]
    private var position = 0

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// - Complexity: O(bytes).
    package static func parse(_ text: String) throws(Failure) -> JSONValue {
        var parser = JSONParser(Array(text.utf8))
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == parser.bytes.count else { throw parser.failure("the end") }
        return value
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONValue {
        try enter(depth: depth)
        var members: [(String, JSONValue)] = []
        guard !take(UInt8(ascii: "}")) else { return .object(members) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("a name in double quotes") }
            let name = try string()
            guard take(UInt8(ascii: ":")) else { throw failure("`:`") }
            members.append((name, try value(depth: depth)))
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw failure("`,` or `}`") }
        return .object(members)
    }

    private mutating func array(depth: Int) throws(Failure) -> JSONValue {
        try enter(depth: depth)
        var values: [JSONValue] = []
        guard !take(UInt8(ascii: "]")) else { return .array(values) }
        repeat { values.append(try value(depth: depth)) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw failure("`,` or `]`") }
        return .array(values)
    }

    private mutating func enter(depth: Int) throws(Failure) {
        guard depth <= JSONParser.maximumDepth else {
            throw failure("no more than \(JSONParser.maximumDepth) levels")
        }
        position += 1
    }

    private mutating func literal(
        _ text: StaticString, _ value: JSONValue
    ) throws(Failure) -> JSONValue {
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count, bytes[position..<end].elementsEqual("\(text)".utf8) else {
            throw failure("a value")
        }
        position = end
        return value
    }

    private mutating func number() throws(Failure) -> JSONValue {
        let start = position
        _ = takeByte(UInt8(ascii: "-"))
        let isZero = next == UInt8(ascii: "0")
        let whole = takeDigits()
        guard whole > 0, !(isZero && whole > 1) else { throw failure("a value") }
        if takeByte(UInt8(ascii: ".")), takeDigits() == 0 { throw failure("a digit") }
        if takeByte(UInt8(ascii: "e")) || takeByte(UInt8(ascii: "E")) {
            _ = takeByte(UInt8(ascii: "+")) || takeByte(UInt8(ascii: "-"))
            guard takeDigits() > 0 else { throw failure("a digit") }
        }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    // MARK: Strings

    /// Takes runs between escapes whole; the text came from a `String`, so it is valid UTF-8.
    private mutating func string() throws(Failure) -> String {
        position += 1
        let start = position
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20
        {
            position += 1
        }
        guard next != UInt8(ascii: "\"") else {
            defer { position += 1 }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }
        var text = Array(bytes[start..<position])
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw failure("`\\n` or another escape") }
            position += 1
            if byte == UInt8(ascii: "\\") {
                text.append(contentsOf: String(try escape()).utf8)
            } else {
                text.append(byte)
            }
        }
        guard take(UInt8(ascii: "\"")) else { throw failure("`\"`") }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func escape() throws(Failure) -> Unicode.Scalar {
        guard let byte = next else { throw failure("an escape") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try scalar()
        default: throw failure("an escape")
        }
    }

    /// Four hexadecimal digits, or two groups of them that are a surrogate pair.
    private mutating func scalar() throws(Failure) -> Unicode.Scalar {
        let high = try unit()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard high < 0xDC00, takeByte(UInt8(ascii: "\\")), takeByte(UInt8(ascii: "u")) else {
            throw failure("the other half of a surrogate pair")
        }
        let low = try unit()
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        else { throw failure("the other half of a surrogate pair") }
        return scalar
    }

    private mutating func unit() throws(Failure) -> UInt32 {
        guard position + 4 <= bytes.count,
            bytes[position..<position + 4].allSatisfy({ !"+-".utf8.contains($0) }),
            let unit = UInt32(
                String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { throw failure("four hexadecimal digits") }
        position += 4
        return unit
    }

    // MARK: Bytes

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || (9...10).contains(byte) || byte == 13 {
            position += 1
        }
    }

    /// Takes a byte that may have space before it.
    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        return takeByte(byte)
    }

    private mutating func takeByte(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func takeDigits() -> Int {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            position += 1
        }
        return position - start
    }

    private func failure(_ expected: String) -> Failure {
        Failure(expected: expected, column: position + 1)
    }
}
