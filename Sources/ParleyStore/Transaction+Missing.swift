import GRDB
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// What a log lacks and nothing here explains, and how it is put back: contents that somebody on the
/// way took out of changes, and runs that can't be read any more.
extension Transaction {
    // MARK: Noting

    /// Notes that a change lacks something that no claim applied here accounts for.
    func noteStub(_ applicant: Applicant) throws {
        let query = try Query(
            db, "INSERT OR IGNORE INTO stub (lane, sequence) VALUES (?1, ?2)")
        query.bind(1, applicant.lane)
        query.bind(2, applicant.change.sequence)
        try query.run()
    }

    func forgetStub(_ lane: Int, _ sequence: UInt64) throws {
        let query = try Query(db, "DELETE FROM stub WHERE lane = ?1 AND sequence = ?2")
        query.bind(1, lane)
        query.bind(2, sequence)
        try query.run()
    }

    /// Notes that a stored run can't be read, so that it is asked for again and offered to nobody.
    func noteDamaged(_ run: DamagedRun) throws {
        let query = try Query(
            db,
            """
            INSERT OR IGNORE INTO damaged_run (lane, first, last)
            SELECT lane, first, last FROM batch WHERE lane = ?1 AND first = ?2 AND last = ?3
            """)
        run.bind(to: query)
        try query.run()
    }

    /// A run that was noted can be read after all.
    func noteSound(_ run: DamagedRun) throws {
        let query = try Query(
            db, "DELETE FROM damaged_run WHERE lane = ?1 AND first = ?2 AND last = ?3")
        run.bind(to: query)
        try query.run()
    }

    // MARK: Putting back

    /// Puts back what a run that was received has of changes that are held without it.
    ///
    /// - Parameters:
    ///   - batch: the run, held to the claims that are applied here.
    ///   - count: of its changes, from the first, that are held.
    ///   - lane: in which it ends.
    func fill(from batch: Batch, count: Int, lane: Int) throws {
        guard count > 0 else { return }
        var others: [RecordKey: (change: Change, salts: ChangeSalts)] = [:]
        let salts = batch.changeSalts
        for key in try stubs(in: batch.first..<batch.first + UInt64(count), endingIn: lane) {
            let index = Int(key.sequence - batch.first)
            guard let held = try readable(key),
                !held.groupsRicher(in: batch.changes[index]).isEmpty
            else { continue }
            others[key] = (batch.changes[index], salts[index])
        }
        guard !others.isEmpty else { return }
        for place in try places(of: others.keys, origin: batch.origin) {
            try fill(place, from: others)
        }
        log.forget()
        for key in others.keys.sorted() { try reconsider(filled: key) }
    }

    /// The changes of a range that lack something unexplained.
    private func stubs(
        in range: Range<UInt64>, endingIn lane: Int
    ) throws -> [RecordKey] {
        let query = try Query(
            db, "SELECT lane, sequence FROM stub WHERE sequence >= ?1 AND sequence < ?2")
        query.bind(1, range.lowerBound)
        query.bind(2, range.upperBound)
        return try query.all { try RecordKey($0, at: 0) }
            .filter { logs.owner(of: $0.sequence, in: lane) == $0.lane }
    }

    /// The stored runs that hold one of these changes, on whatever branch of their log.
    private func places(
        of keys: some Collection<RecordKey>, origin: Origin
    ) throws -> Set<RunPlace> {
        var places: Set<RunPlace> = []
        for branch in draft.lanes.branches(of: origin) {
            for key in keys
            where logs.owner(of: key.sequence, in: branch.number) == key.lane {
                let query = try Query(
                    db, "SELECT first FROM batch WHERE lane = ?1 AND first <= ?2 AND last >= ?2")
                query.bind(1, branch.number)
                query.bind(2, key.sequence)
                places.formUnion(
                    try query.all { RunPlace(lane: branch.number, first: $0.word(0)) })
            }
        }
        return places
    }

    private func fill(
        _ place: RunPlace, from others: [RecordKey: (change: Change, salts: ChangeSalts)]
    ) throws {
        guard let batch = try batch(at: place) else { return }
        var own: [UInt64: (change: Change, salts: ChangeSalts)] = [:]
        for sequence in batch.first...batch.last {
            let owner = logs.owner(of: sequence, in: place.lane)
            own[sequence] = others[RecordKey(lane: owner, sequence: sequence)]
        }
        try replace(batch, at: place, with: batch.filled(from: own))
    }

    /// Lets what was put back of a change that is applied count.
    private func reconsider(filled key: RecordKey) throws {
        let applicant = try history.applicant(key.lane, key.sequence)
        if try !applicant.change.needsClaim || isAccountedForByApplied(applicant) {
            try forgetStub(key.lane, key.sequence)
        }
        guard key.sequence <= draft.lanes[key.lane].applied.sequence else { return }
        for (index, group) in applicant.change.groups.enumerated() where group.kind == .record {
            let record = try logs.recordKey(of: group, index: index, by: applicant)
            if let record { try recompute(record) }
        }
    }

    /// Whether a run that was received lacks something of the changes it repeats that is here: to
    /// store it in the place of what is held would be to lose that.
    func isPoorer(_ batch: Batch, count: Int, lane: Int) throws -> Bool {
        #if DEBUG
            if PlantedDefect.poorerRunReplaces.isPlanted { return false }
        #endif
        for other in batch.changes.prefix(count) where other.needsClaim {
            let owner = logs.owner(of: other.sequence, in: lane)
            let held = try readable(RecordKey(lane: owner, sequence: other.sequence))
            if let held, !other.groupsRicher(in: held).isEmpty { return true }
        }
        return false
    }

    /// A held change, `nil` where its run can't be read.
    func readable(_ key: RecordKey) throws -> Change? {
        do {
            return try change(key.lane, key.sequence)?.change
        } catch StoreError.damaged {
            return nil
        }
    }

    // MARK: Runs that can't be read

    /// Makes room for a run that was received where runs can't be read.
    ///
    /// What is left of them keeps its place with the hashes that were noted, until it comes too.
    ///
    /// - Parameter lane: in which it ends.
    /// - Returns: whether there was any such run.
    func clearDamaged(for batch: VerifiedBatch, lane: Int) throws -> Bool {
        let runs = try DamagedRun.all(db).filter {
            $0.lane == lane && $0.first <= batch.last && $0.last >= batch.first
        }
        for run in runs { try clear(batch.first...batch.last, of: run) }
        return !runs.isEmpty
    }

    /// Makes room in a run that can't be read; what lies before and behind stays as it is.
    private func clear(_ range: ClosedRange<UInt64>, of run: DamagedRun) throws {
        let damaged = try LogReader.run(lane: run.lane, first: run.first, db)
        draft.contentsChanged = true
        for table in ["batch", "damaged_run"] {
            let query = try Query(
                db, "DELETE FROM \(table) WHERE lane = ?1 AND first = ?2 AND last = ?3")
            run.bind(to: query)
            try query.run()
        }
        guard let damaged else { return }
        if run.first < range.lowerBound {
            try keep(damaged, from: run.first, through: range.lowerBound - 1)
        }
        if range.upperBound < run.last {
            try keep(damaged, from: range.upperBound + 1, through: run.last)
        }
    }

    private func keep(
        _ run: LogReader.Run, from first: UInt64, through last: UInt64
    ) throws {
        let size = Digest.byteCount
        guard run.first <= first, first <= last, last - run.first < run.hashes.count / size else {
            throw StoreError.damaged("a batch's hashes")
        }
        let (start, end) = (Int(first - run.first), Int(last - run.first) + 1)
        let part = LogReader.Run(
            lane: run.lane, first: first, last: last,
            hashes: Array(run.hashes[start * size..<end * size]), time: run.time,
            bytes: run.bytes)
        try LogReader.insert(part, db)
        try noteDamaged(DamagedRun(lane: run.lane, first: first, last: last))
    }
}

/// A stored run that can't be read.
struct DamagedRun: Hashable, Sendable {
    let lane: Int
    let first: UInt64
    let last: UInt64

    init(lane: Int, first: UInt64, last: UInt64) {
        self.lane = lane
        self.first = first
        self.last = last
    }

    init(_ run: LogReader.Run) {
        self.init(lane: run.lane, first: run.first, last: run.last)
    }

    /// A condition on rows of `batch`: that they can be read, as far as is known.
    static let none = """
        NOT EXISTS (SELECT 1 FROM damaged_run AS d WHERE d.lane = batch.lane AND d.first = batch.first)
        """

    static func all(_ db: Database) throws -> [DamagedRun] {
        try Query(db, "SELECT lane, first, last FROM damaged_run ORDER BY lane, first").all {
            DamagedRun(lane: $0.int(0), first: $0.word(1), last: $0.word(2))
        }
    }

    fileprivate func bind(to query: Query) {
        query.bind(1, lane)
        query.bind(2, first)
        query.bind(3, last)
    }
}
