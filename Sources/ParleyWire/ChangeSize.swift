import ParleyCRDT
package import ParleyModel

/// The size of a change: the bytes its hash covers, header and groups, and for each value that is
/// hashed as a commitment its own bytes as well. So an erasure only ever makes a change smaller,
/// and what was within the limit stays there.
///
/// Specification: Protocol/parley-1.md "Size of a change"
extension Change {
    package var byteCount: Int {
        // Domain, predecessor's hash, origin, time.
        var size = 16 + 32 + 40 + 8
        size += ByteCount.varint(sequence) + ByteCount.varint(contextDelta.count)
        for entry in contextDelta {
            size += 40 + ByteCount.varint(entry.tips.count)
            for tip in entry.tips { size += ByteCount.varint(tip.sequence) + 16 }
        }
        size += ByteCount.varint(groups.count)
        for group in groups { size += group.byteCount }
        return size
    }
}

extension Group {
    fileprivate var byteCount: Int {
        // Kind, subject, digest.
        var size = 1 + 1 + 32
        if case .existing(let record) = subject {
            size += record.creation.byteCount + ByteCount.varint(UInt64(record.group))
        }
        switch content {
        case .operations(let type, let operations):
            size += 1 + ByteCount.bytes(type?.text.utf8.count ?? 0)
            size += ByteCount.varint(operations.count)
            for operation in operations { size += operation.byteCount }
        case .payload(let payload): size += 1 + ByteCount.bytes(payload.count)
        case .stub: break
        }
        return size
    }
}

extension Operation {
    fileprivate var byteCount: Int {
        var size = 2 + ByteCount.bytes(field?.text.utf8.count ?? 0)
        size += ByteCount.varint(values.count) + ByteCount.varint(drops.count)
        for value in values {
            switch value {
            case .text(let text):
                size += 1 + (isSensitive ? 32 + text.count : ByteCount.bytes(text.count))
            case .erased: size += 1 + 32
            case .absent, .present, .live, .deleted: size += 1
            }
        }
        for drop in drops { size += drop.byteCount }
        return size
    }
}

extension DotReference {
    fileprivate var byteCount: Int {
        40 + ByteCount.varint(sequence) + 1 + (hash == nil ? 0 : 16)
    }
}
