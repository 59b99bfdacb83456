package import ParleyCRDT
package import ParleyModel
import ParleyWire

/// Computes the canonical bytes of changes and chains their hashes.
///
/// A change is hashed as a header that lists, for each group, its record and its digest. So a group
/// can be replaced by its digest later, when a person must be forgotten, and the chain still holds.
///
/// Specification: Protocol/parley-1.md "Canonical changes"
package struct ChangeHasher {
    private var header = ByteWriter()
    private var body = ByteWriter()
    private static let changeTag = Array("parley-1 change\0".utf8)

    package init() {}

    /// The hash of a change.
    ///
    /// - Parameter previous: the hash of the change before it in the same log; zero for the first.
    /// - Throws: `saltMissing` where neither salt nor stub is there for a group or sensitive value.
    package mutating func hash(
        _ change: Change, previous: Digest, salts: ChangeSalts
    ) throws(LogError) -> Digest {
        var digests: [Digest] = []
        digests.reserveCapacity(change.groups.count)
        for (index, group) in change.groups.enumerated() {
            digests.append(
                try digest(of: group, index: index, sequence: change.sequence, salts: salts))
        }
        header.removeAll()
        header.raw(ChangeHasher.changeTag)
        header.digest(previous)
        header.origin(change.origin)
        header.varint(change.sequence)
        header.u64(change.time.rawValue)
        writeContext(change.contextDelta)
        header.varint(change.groups.count)
        for (group, digest) in zip(change.groups, digests) {
            header.u8(group.kind.rawValue)
            writeSubject(group.subject)
            header.digest(digest)
        }
        return Hashing.digest(header.bytes)
    }

    /// The digest that stands for one group of a change, and that a stub keeps.
    package mutating func digest(
        of group: Group, index: Int, in change: Change, salts: ChangeSalts
    ) throws(LogError) -> Digest {
        try digest(of: group, index: index, sequence: change.sequence, salts: salts)
    }

    /// What stands for a sensitive text in its group's bytes, and stays when the text goes.
    static func commitment(to text: [UInt8], salt: [UInt8]) -> Digest {
        Hashing.digest(salt + [Value.text(text).tag], text)
    }

    private mutating func writeContext(_ entries: [Clock.Entry]) {
        header.varint(entries.count)
        for entry in entries {
            header.origin(entry.origin)
            header.varint(UInt64(entry.tips.count))
            for tip in entry.tips {
                header.varint(tip.sequence)
                header.prefix(tip.hash)
            }
        }
    }

    private mutating func writeSubject(_ subject: Group.Subject) {
        switch subject {
        case .casebook: header.u8(0)
        case .created: header.u8(1)
        case .existing(let record):
            header.u8(2)
            ChangeHasher.write(record.creation, to: &header)
            header.varint(UInt64(record.group))
        }
    }

    /// The salted digest of one group, or the one its stub kept.
    private mutating func digest(
        of group: Group, index: Int, sequence: UInt64, salts: ChangeSalts
    ) throws(LogError) -> Digest {
        body.removeAll()
        switch group.content {
        case .stub(let digest):
            return digest
        case .payload(let payload):
            body.u8(1)
            body.bytes(payload)
        case .operations(let type, let operations):
            body.u8(0)
            body.text(type?.text ?? "")
            body.varint(operations.count)
            var slot = 0
            for operation in operations {
                try write(
                    operation, slot: &slot, group: index, sequence: sequence, salts: salts)
            }
        }
        guard let salt = salts.salt(sequence: sequence, group: index, slot: 0) else {
            throw LogError(.saltMissing(sequence: sequence, group: index))
        }
        return Hashing.digest(salt, body.bytes)
    }

    private mutating func write(
        _ operation: Operation, slot: inout Int, group: Int, sequence: UInt64, salts: ChangeSalts
    ) throws(LogError) {
        body.u8(operation.kind.rawValue)
        body.u8(operation.isSensitive ? 1 : 0)
        body.text(operation.field?.text ?? "")
        body.varint(operation.values.count)
        for value in operation.values {
            slot += 1
            switch value {
            case .erased(let commitment):
                body.u8(Value.text([]).tag)
                body.digest(commitment)
            case .text(let text) where operation.isSensitive:
                guard let salt = salts.salt(sequence: sequence, group: group, slot: slot) else {
                    throw LogError(.saltMissing(sequence: sequence, group: group))
                }
                body.u8(value.tag)
                body.digest(ChangeHasher.commitment(to: text, salt: salt))
            case .text(let text):
                body.u8(value.tag)
                body.bytes(text)
            case .absent, .present, .live, .deleted:
                body.u8(value.tag)
            }
        }
        body.varint(operation.drops.count)
        for drop in operation.drops { ChangeHasher.write(drop, to: &body) }
    }

    private static func write(_ dot: DotReference, to writer: inout ByteWriter) {
        writer.origin(dot.origin)
        writer.varint(dot.sequence)
        writer.u8(dot.hash == nil ? 0 : 1)
        if let hash = dot.hash { writer.prefix(hash) }
    }
}

extension RecordID {
    /// The identity of the record that a group of a change creates.
    package init(change: Digest, group: Int) {
        var index: [UInt8] = []
        withUnsafeBytes(of: UInt32(group).bigEndian) { index.append(contentsOf: $0) }
        self.init(Hashing.digest(change.bytes, index).prefix.value)
    }
}
