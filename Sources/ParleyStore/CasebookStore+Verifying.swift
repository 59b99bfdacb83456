import Dispatch
package import ParleyCRDT
package import ParleyLog
import ParleyWire

/// Checking what comes in before it is taken in.
extension CasebookStore {
    /// All that can be done for batches before they are stored: verifies each after the change before
    /// it, be that in a batch before or held already, and works out what its creations come to.
    ///
    /// On a thread of its own: of those that tasks share there are few, and somebody may wait for an
    /// answer.
    ///
    /// - Parameter runs: changes that are about to be stored.
    /// - Throws: `LogError`; `gap` where the change before isn't here.
    package func prepare(
        _ batches: [[UInt8]], after runs: [LogRun] = []
    ) async throws -> [PreparedBatch] {
        var prepared: [PreparedBatch] = []
        for bytes in batches {
            let header: BatchHeader
            do { header = try Batch.header(of: bytes) } catch { throw LogError(.malformed(error)) }
            let before = (runs + prepared.map(\.batch.run)).compactMap {
                $0.hash(of: header.first - 1, in: header.origin)
            }
            let isPlain = before.contains(where: header.mayFollow) && !hasForked(header.origin)
            let held =
                isPlain
                ? []
                : try await hashes(
                    of: header.origin, at: header.first - 1, named: header.previous)
            let batch = try await aside {
                PreparedBatch(try self.verify(bytes, header, after: before + held))
            }
            prepared.append(batch)
        }
        return prepared
    }

    /// Verifies batches as `prepare` does.
    package func verify(_ batches: [[UInt8]]) async throws -> [VerifiedBatch] {
        try await prepare(batches).map(\.batch)
    }

    private func aside<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            BackgroundThread.shared.async {
                continuation.resume(with: Result(catching: body))
            }
        }
    }

    /// Where a log forked and the sender doesn't know of it, there are several changes that a batch
    /// may follow: it is that which its signature vouches for.
    private func verify(
        _ bytes: [UInt8], _ header: BatchHeader, after candidates: [Digest]
    ) throws -> VerifiedBatch {
        var seen: Set<Digest> = []
        let candidates = candidates.filter {
            header.mayFollow($0) && seen.insert($0).inserted
        }
        guard let last = candidates.last else { throw StoreError.gap(header.origin) }
        for previous in candidates.dropLast() {
            let batch = try? VerifiedBatch(bytes: bytes, casebook: casebookID, previous: previous)
            if let batch { return batch }
        }
        return try VerifiedBatch(bytes: bytes, casebook: casebookID, previous: last)
    }
}

extension BatchHeader {
    /// Whether the batch isn't said to follow another change.
    fileprivate func mayFollow(_ hash: Digest) -> Bool {
        previous == nil || previous == hash.prefix
    }
}
