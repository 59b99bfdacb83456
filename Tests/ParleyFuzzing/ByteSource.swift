/// Draws what a target needs from the front of an input, for as long as there is something.
///
/// Behind the end everything is 0, so that each input means something and a longer one with the same
/// beginning means the same first.
struct ByteSource {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isEmpty: Bool { offset >= bytes.count }

    mutating func u8() -> UInt8 {
        guard offset < bytes.count else { return 0 }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func u16() -> UInt16 { UInt16(u8()) << 8 | UInt16(u8()) }

    mutating func u64() -> UInt64 { (0..<8).reduce(0) { sum, _ in sum << 8 | UInt64(u8()) } }

    /// - Parameter bound: at most 256.
    mutating func below(_ bound: Int) -> Int { Int(u8()) % bound }

    mutating func flag() -> Bool { u8() & 1 == 1 }

    mutating func element<Element>(of elements: [Element]) -> Element {
        elements[below(elements.count)]
    }

    /// Small numbers mostly, and those at the edges.
    mutating func number() -> UInt64 {
        let first = u8()
        switch first {
        case ..<0xf0: return UInt64(first)
        case ..<0xf8: return UInt64(u16())
        case ..<0xfc: return UInt64.max - UInt64(u8())
        default: return u64()
        }
    }

    /// At most `count` bytes.
    mutating func take(_ count: Int) -> [UInt8] {
        let end = min(bytes.count, offset + count)
        defer { offset = end }
        return Array(bytes[offset..<end])
    }

    mutating func rest() -> [UInt8] { take(bytes.count - offset) }
}
