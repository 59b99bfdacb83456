package import ParleyModel

/// The forms of references in hashed bytes and system payloads; batches have columns for them.
extension ByteWriter {
    /// The origin, the sequence number, and the hash with a flag before it.
    package mutating func reference(_ reference: DotReference) {
        origin(reference.origin)
        varint(reference.sequence)
        u8(reference.hash == nil ? 0 : 1)
        if let hash = reference.hash { prefix(hash) }
    }

    /// The reference to the creating change, then the group's index in it.
    package mutating func record(_ record: RecordReference) {
        reference(record.creation)
        varint(UInt64(record.group))
    }
}

extension ByteReader {
    package mutating func reference() throws(WireError) -> DotReference {
        let origin = try origin()
        let sequence = try sequence()
        let position = offset
        switch try u8() {
        case 0: return DotReference(origin: origin, sequence: sequence)
        case 1: return DotReference(origin: origin, sequence: sequence, hash: try prefix())
        default: throw WireError(.outOfRange(.flag), offset: position)
        }
    }

    package mutating func record() throws(WireError) -> RecordReference {
        RecordReference(creation: try reference(), group: try groupIndex())
    }

    mutating func groupIndex() throws(WireError) -> UInt32 {
        UInt32(try varint(in: 0...UInt64(Limits.groupsPerChange - 1), .groupIndex))
    }
}
