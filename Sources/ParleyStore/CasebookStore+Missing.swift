package import ParleyCRDT

extension ReadScope {
    /// What is to be asked for again: changes that lack contents without an erasure that explains
    /// it, and runs that can't be read.
    package func missingRuns() throws -> [ChangeRange] {
        let stubs = try Query(db, "SELECT lane, sequence FROM stub ORDER BY lane, sequence").all {
            DamagedRun(lane: $0.int(0), first: $0.word(1), last: $0.word(1))
        }
        let missing = try stubs + DamagedRun.all(db)
        guard !missing.isEmpty else { return [] }
        let lanes = try lanes()
        return try missing.reduce(into: [ChangeRange]()) { runs, next in
            let origin = try lanes.origin(of: next.lane)
            if let last = runs.last, last.origin == origin,
                last.sequences.upperBound + 1 == next.first
            {
                runs.removeLast()
                runs.append(
                    ChangeRange(
                        origin: origin, sequences: last.sequences.lowerBound...next.last))
            } else {
                runs.append(ChangeRange(origin: origin, sequences: next.first...next.last))
            }
        }
    }
}

extension HeldLogs {
    /// Whether somebody who has so much of each lane of a log has what a run follows. Of a log without
    /// branches they have, be they ahead or not.
    fileprivate func follows(_ run: StoredBatch, _ known: [Int: UInt64], in lane: Lane) -> Bool {
        guard run.first > 1, lanes.hasForked(run.origin) else { return true }
        return run.first - 1 <= known[owner(of: run.first - 1, in: lane.number)] ?? 0
    }
}

extension CasebookStore {
    /// The stored runs, on all branches, that hold changes of a range and are applied: for somebody
    /// who asks for these again.
    ///
    /// - Parameters:
    ///   - log: what they hold of it: a run of a branch that they don't have wouldn't follow anything.
    ///   - byteLimit: as many runs as fit into it, at least one where there is any.
    package func runs(
        with missing: ChangeRange, for log: PeerLog, byteLimit: Int
    ) async throws -> [StoredBatch] {
        try await read { scope in
            var batches: [StoredBatch] = []
            var byteCount = 0
            let (logs, known) = (try scope.logs(), try scope.known(of: log).lanes)
            for lane in logs.lanes.branches(of: missing.origin) {
                for batch in try scope.batches(of: lane, with: missing.sequences) {
                    guard logs.follows(batch, known, in: lane) else { continue }
                    byteCount += batch.bytes.count
                    guard batches.isEmpty || byteCount <= byteLimit else { return batches }
                    batches.append(batch)
                }
            }
            return batches
        }
    }

    /// Notes which runs turned out not to be readable: they are asked for again.
    ///
    /// - Returns: whether there are any.
    @discardableResult
    package func noteDamaged(_ report: AuditReport) async throws -> Bool {
        guard !report.damagedRuns.isEmpty || !report.soundRuns.isEmpty else { return false }
        try await writer.perform { transaction in
            for run in report.damagedRuns { try transaction.noteDamaged(run) }
            for run in report.soundRuns { try transaction.noteSound(run) }
        }
        return !report.damagedRuns.isEmpty
    }
}
