import Dispatch
package import ParleyCRDT
package import ParleyLog
import ParleyModel
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
        while prepared.count < batches.count {
            prepared += try await prepareTogether(
                Array(batches.dropFirst(prepared.count)), after: runs + prepared.map(\.batch.run),
                atLeast: .max)
        }
        return prepared
    }

    /// Groups of changes that further batches may make of one transaction's. A batch says what it
    /// inflates to and not what that means: a few bytes of columns can make ten thousand records.
    private static let groupsOfFurther = 4_096

    /// The same for batches that may become durable together, as far as one transaction should go: some
    /// in any case, further ones only while all of it is little and right.
    ///
    /// - Parameter count: how many in any case.
    /// - Returns: those from the first on, at least one.
    /// - Throws: as `prepare` does, for the first.
    package func prepareTogether(
        _ batches: [[UInt8]], after runs: [LogRun], atLeast count: Int
    ) async throws -> [PreparedBatch] {
        var (prepared, known): ([PreparedBatch], [LogRun]) = ([], runs)
        var groupCount = 0
        for bytes in batches {
            guard prepared.count < count || groupCount < CasebookStore.groupsOfFurther else {
                break
            }
            do {
                let batch = try await prepare(bytes, after: known)
                groupCount += batch.batch.batch.changes.reduce(0) { $0 + $1.groups.count }
                prepared.append(batch)
                known.append(batch.batch.run)
            } catch {
                // Its own turn comes, and what came before it shall not suffer.
                guard prepared.isEmpty else { return prepared }
                throw error
            }
        }
        return prepared
    }

    private func prepare(_ bytes: [UInt8], after runs: [LogRun]) async throws -> PreparedBatch {
        let header: BatchHeader
        do { header = try Batch.header(of: bytes) } catch { throw LogError(.malformed(error)) }
        let before = runs.compactMap { $0.hash(of: header.first - 1, in: header.origin) }
        let isPlain = before.contains(where: header.mayFollow) && !hasForked(header.origin)
        let held =
            isPlain
            ? []
            : try await hashes(of: header.origin, at: header.first - 1, named: header.previous)
        return try await aside {
            PreparedBatch(try self.verify(bytes, header, after: before + held))
        }
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
