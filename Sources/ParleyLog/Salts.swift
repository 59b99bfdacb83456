import ParleyCRDT
package import ParleyWire

/// Where the salts of one change come from.
///
/// Digests are salted so that, after an erasure, guessing a name against what remains is hopeless.
/// Salts aren't sent one by one: they follow from a seed that the batch carries outside the hash.
/// Where an erasure took a seed away, the salts of what stays are listed instead.
package enum ChangeSalts: Sendable {
    case seed([UInt8])
    case explicit([Salt])

    /// The salt of a group (slot 0) or of one of its values (slots from 1, in order).
    ///
    /// - Returns: 16 bytes, or `nil` where an erasure took it.
    package func salt(sequence: UInt64, group: Int, slot: Int) -> [UInt8]? {
        switch self {
        case .seed(let seed):
            var input = seed
            input.reserveCapacity(32)
            append(sequence, to: &input)
            append(UInt64(group) << 32 | UInt64(slot), to: &input)
            return Hashing.digest(input).prefix.bytes
        case .explicit(let salts):
            return salts.first { $0.group == group && $0.slot == slot }?.bytes
        }
    }

    private func append(_ word: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
    }
}

extension Batch {
    /// The salts of each change, in order.
    package var changeSalts: [ChangeSalts] {
        var result: [ChangeSalts] = []
        result.reserveCapacity(changes.count)
        for run in salts {
            switch run {
            case .seed(let count, let seed):
                result.append(contentsOf: repeatElement(.seed(seed), count: count))
            case .explicit(let count, let salts):
                var rest = salts[...]
                for offset in 0..<count {
                    let own = rest.prefix { $0.change == offset }
                    rest.removeFirst(own.count)
                    result.append(.explicit(Array(own)))
                }
            }
        }
        return result
    }
}
