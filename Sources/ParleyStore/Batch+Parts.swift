import ParleyLog
import ParleyModel
import ParleyWire

/// Runs taken apart and put together: a signature vouches for all before it, so the end of a run
/// keeps it, and joined runs keep the last one's.
extension Batch {
    /// The encoded end of a run, for a peer that has its beginning.
    func suffix(after count: Int) throws -> [UInt8] {
        let rest = Batch(
            origin: origin, first: first + UInt64(count), previous: nil, signature: signature,
            changes: Array(changes[count...]), salts: SaltRun.dropping(count, from: salts))
        return try rest.storable()
    }

    /// One run made of consecutive ones.
    ///
    /// - Throws: `tooLarge` where they don't fit into one.
    static func joining(_ batches: [Batch]) throws -> [UInt8] {
        let joined = Batch(
            origin: batches[0].origin, first: batches[0].first, previous: batches[0].previous,
            signature: batches[batches.count - 1].signature,
            changes: batches.flatMap(\.changes),
            salts: SaltRun.merging(batches.flatMap(\.salts)))
        return try joined.storable()
    }

    /// The bytes that are stored and sent.
    func storable() throws -> [UInt8] {
        do {
            return try encoded(compress: true)
        } catch {
            if case .limitExceeded = error.code { throw StoreError.tooLarge }
            throw StoreError.log(LogError(.malformed(error), origin: origin))
        }
    }
}

extension SaltRun {
    /// The runs without their first `count` changes.
    static func dropping(_ count: Int, from runs: [SaltRun]) -> [SaltRun] {
        var rest = count
        var result: [SaltRun] = []
        for run in runs {
            let dropped = min(rest, run.changes)
            rest -= dropped
            guard dropped < run.changes else { continue }
            switch run {
            case .seed(let changes, let seed):
                result.append(.seed(changes: changes - dropped, seed))
            case .explicit(let changes, let salts):
                let kept = salts.filter { $0.change >= dropped }.map {
                    Salt(
                        change: $0.change - dropped, group: $0.group, slot: $0.slot,
                        bytes: $0.bytes)
                }
                result.append(.explicit(changes: changes - dropped, kept))
            }
        }
        return result
    }

    /// Neighbouring runs of the same seed as one.
    static func merging(_ runs: [SaltRun]) -> [SaltRun] {
        var result: [SaltRun] = []
        for run in runs {
            if case .seed(let more, let seed) = run, case .seed(let changes, seed)? = result.last {
                result[result.count - 1] = .seed(changes: changes + more, seed)
            } else {
                result.append(run)
            }
        }
        return result
    }
}
