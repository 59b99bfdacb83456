import ParleyCRDT
package import ParleyLog
import ParleyWire

/// Checking what comes in before it is taken in.
extension CasebookStore {
    /// Verifies each batch after the change before it, be that in a batch before or held already.
    ///
    /// - Throws: `LogError`; `gap` where that change isn't here.
    package func verify(_ batches: [[UInt8]]) async throws -> [VerifiedBatch] {
        var verified: [VerifiedBatch] = []
        for bytes in batches {
            let header: BatchHeader
            do { header = try Batch.header(of: bytes) } catch { throw LogError(.malformed(error)) }
            let before = verified.compactMap { $0.hash(of: header.first - 1, in: header.origin) }
            let isPlain = before.contains(where: header.mayFollow) && !hasForked(header.origin)
            let held =
                isPlain
                ? []
                : try await hashes(
                    of: header.origin, at: header.first - 1, named: header.previous)
            verified.append(try verify(bytes, header, after: before + held))
        }
        return verified
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

extension VerifiedBatch {
    fileprivate func hash(of sequence: UInt64, in origin: Origin) -> Digest? {
        guard self.origin == origin, first <= sequence, sequence <= last else { return nil }
        return hashes[Int(sequence - first)]
    }
}
