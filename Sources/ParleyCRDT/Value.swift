/// One value as somebody wrote it. Values compare as canonical bytes, never as Swift strings,
/// because `String` equality is canonical equivalence and would merge what differs on the wire.
package enum Value: Hashable, Sendable {
    /// A register that was unset on purpose: conflicts like any other value.
    case absent
    /// UTF-8, normalised to NFC where it was entered and never again.
    case text([UInt8])
    /// A set element's presence.
    case present
    /// The record's state cell.
    case live
    case deleted
    /// A value whose bytes were erased; the commitment that was hashed in its place remains.
    case erased(Digest)

    /// Tag of the canonical form, see Protocol/parley-1.md "Values".
    package var tag: UInt8 {
        switch self {
        case .absent: 0
        case .text: 1
        case .present: 2
        case .live: 3
        case .deleted: 4
        case .erased: 5
        }
    }

    /// Payload of the canonical form; the tag comes before it.
    package var payload: [UInt8] {
        switch self {
        case .text(let bytes): bytes
        case .erased(let digest): digest.bytes
        case .absent, .present, .live, .deleted: []
        }
    }
}

extension Value {
    /// Whether nobody can tell any more what it was, nor whether it is the same as another.
    package var isErased: Bool {
        if case .erased = self { true } else { false }
    }

    /// Whether somebody would have to choose between the two. Nobody can tell erased ones apart.
    package func differs(from other: Value) -> Bool {
        !(isErased && other.isErased) && self != other
    }
}

extension Value: Comparable {
    package static func < (left: Value, right: Value) -> Bool {
        left.tag == right.tag
            ? left.payload.lexicographicallyPrecedes(right.payload) : left.tag < right.tag
    }
}
