extension ByteWriter {
    mutating func saltRuns(_ runs: [SaltRun]) {
        varint(runs.count)
        for run in runs {
            varint(run.changes)
            switch run {
            case .seed(_, let seed):
                u8(0)
                raw(seed)
            case .explicit(_, let salts):
                u8(1)
                varint(salts.count)
                for salt in salts {
                    varint(salt.change)
                    varint(salt.group)
                    varint(salt.slot)
                    raw(salt.bytes)
                }
            }
        }
    }
}

extension ByteReader {
    /// Reads the runs, which must cover `changeCount` changes exactly.
    mutating func saltRuns(changeCount: Int) throws(WireError) -> [SaltRun] {
        let start = offset
        let count = try count(elementSize: 3)
        var runs: [SaltRun] = []
        runs.reserveCapacity(count)
        var uncovered = changeCount
        for _ in 0..<count {
            let position = offset
            let changes = try varint()
            guard changes > 0, changes <= UInt64(uncovered) else {
                throw WireError(.outOfRange(.run), offset: position)
            }
            uncovered -= Int(changes)
            runs.append(try saltRun(changes: Int(changes)))
        }
        guard uncovered == 0 else { throw WireError(.outOfRange(.run), offset: start) }
        return runs
    }

    private mutating func saltRun(changes: Int) throws(WireError) -> SaltRun {
        let position = offset
        switch try u8() {
        case 0: return .seed(changes: changes, try raw(SaltRun.seedBytes))
        case 1: return .explicit(changes: changes, try salts(changes: changes))
        default: throw WireError(.outOfRange(.salt), offset: position)
        }
    }

    private mutating func salts(changes: Int) throws(WireError) -> [Salt] {
        let count = try count(elementSize: 3 + Salt.byteCount)
        var salts: [Salt] = []
        salts.reserveCapacity(count)
        for _ in 0..<count {
            let position = offset
            let change = try varint(in: 0...UInt64(changes - 1), .salt)
            let group = try varint(in: 0...UInt64(Limits.groupsPerChange - 1), .salt)
            let slot = try varint(in: 0...UInt64(Limits.itemsPerBatch), .salt)
            let salt = Salt(
                change: Int(change), group: Int(group), slot: Int(slot),
                bytes: try raw(Salt.byteCount))
            if let last = salts.last, last.place >= salt.place {
                throw WireError(.unsorted(.salt), offset: position)
            }
            salts.append(salt)
        }
        return salts
    }
}

extension SaltRun {
    /// Whether this is something the reader above would accept.
    var isWellFormed: Bool {
        guard changes > 0 else { return false }
        switch self {
        case .seed(_, let seed): return seed.count == SaltRun.seedBytes
        case .explicit(let changes, let salts):
            let areInside = salts.allSatisfy {
                (0..<changes).contains($0.change) && (0..<Limits.groupsPerChange).contains($0.group)
                    && (0...Limits.itemsPerBatch).contains($0.slot)
            }
            return areInside && zip(salts, salts.dropFirst()).allSatisfy { $0.place < $1.place }
        }
    }
}
