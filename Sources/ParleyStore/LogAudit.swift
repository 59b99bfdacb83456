import GRDB
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// Checks every log by itself: that its runs can be read, that each change continues the one before,
/// and that its author signed it.
struct LogAudit {
    private let scope: ReadScope
    private let pace: AuditPace
    private let lanes: LaneTable
    private let casebook: Digest
    /// Runs that were noted as damaged before.
    private let noted: Set<DamagedRun>

    init(_ scope: ReadScope, _ pace: AuditPace) throws {
        self.scope = scope
        self.pace = pace
        lanes = try scope.lanes()
        casebook = try scope.casebook().id
        noted = Set(try DamagedRun.all(scope.db))
    }

    func run(_ report: inout AuditReport) throws {
        let used = lanes.lanes.filter { !$0.isFree }
        report.logs = Set(used.map(\.origin)).count
        pace.progress.expect(used.reduce(0) { $0 + $1.ownedCount })
        for lane in used { try check(lane, &report) }
    }

    /// Runs may overlap; what follows from them must not.
    private func check(_ lane: Lane, _ report: inout AuditReport) throws {
        var end = lane.fork
        let firsts = try Query(
            scope.db, "SELECT first FROM batch WHERE lane = \(lane.number) ORDER BY first"
        ).all { $0.word(0) }
        for first in firsts {
            guard let run = try LogReader.run(lane: lane.number, first: first, scope.db) else {
                continue
            }
            guard run.isPlausible else {
                report.add(
                    Finding(
                        check: .chains, subject: .change(lane.origin, run.first),
                        problem: "begins a run that no log can have"))
                continue
            }
            if run.first > end.sequence + 1 {
                report.add(
                    Finding(
                        check: .chains, subject: .change(lane.origin, run.first),
                        problem:
                            "is the first after a gap: changes \(end.sequence + 1) to \(run.first - 1) are missing"
                    ))
            }
            let last = try check(run, of: lane, after: end, &report)
            if last.sequence > end.sequence { end = last }
            try pace.step(run.count)
        }
        guard end != lane.held else { return }
        report.add(
            Finding(
                check: .chains, subject: .change(lane.origin, lane.held.sequence),
                problem: end.sequence == lane.held.sequence
                    ? "isn't the change that was noted as the last of this log"
                    : "should be the last of this log, which ends at \(end.sequence)"))
    }

    /// - Returns: where it ends.
    private func check(
        _ run: LogReader.Run, of lane: Lane, after end: Lane.Point, _ report: inout AuditReport
    ) throws -> Lane.Point {
        do {
            let batch = try LogReader.decode(run)
            guard batch.origin == lane.origin else {
                throw StoreError.damaged("a run of another log")
            }
            report.changes += batch.changes.count
            let last = Lane.Point(
                sequence: run.last,
                hash: try hashes(of: batch, in: run, of: lane, after: end, &report))
            check(batch, endingAt: last, &report)
            return last
        } catch is StoreError, is LogError {
            report.noteDamaged(run)
            report.add(
                Finding(
                    check: .chains, subject: .change(lane.origin, run.first),
                    problem:
                        "begins a run that can't be read, up to \(lane.origin.text):\(run.last)"))
            return Lane.Point(
                sequence: run.last, hash: (try? run.hash(of: run.last)) ?? end.hash)
        }
    }

    /// Compares the hashes with those that were noted, and names the first that differs: those after
    /// it rest on it.
    ///
    /// - Returns: the last one; as noted where what the run continues is missing, so that none can be
    ///   computed and only the signature vouches for it.
    private func hashes(
        of batch: Batch, in run: LogReader.Run, of lane: Lane, after end: Lane.Point,
        _ report: inout AuditReport
    ) throws -> Digest {
        let previous =
            run.first == end.sequence + 1
            ? end.hash : try scope.logs().hash(of: run.first - 1, in: lane.number)
        guard let previous else { return try run.hash(of: run.last) }
        let hashes = try VerifiedBatch.hashes(of: batch, after: previous)
        for (index, hash) in hashes.enumerated() {
            let sequence = run.first + UInt64(index)
            guard try run.hash(of: sequence) != hash else { continue }
            report.add(
                Finding(
                    check: .chains, subject: .change(lane.origin, sequence),
                    problem: "doesn't have the hash that was noted for it"))
            // Where its author signed what is there, it is the note that is wrong. Else what follows
            // rests on what was noted: all of it would look damaged otherwise.
            let last = hashes[hashes.count - 1]
            if head(of: batch, endingWith: last).isSigned(with: batch.signature) { return last }
            report.noteDamaged(run)
            return try run.hash(of: run.last)
        }
        if noted.contains(DamagedRun(run)) { report.noteSound(run) }
        return hashes[hashes.count - 1]
    }

    private func head(of batch: Batch, endingWith hash: Digest) -> Head {
        Head(casebook: casebook, origin: batch.origin, sequence: batch.last, hash: hash)
    }

    private func check(
        _ batch: Batch, endingAt end: Lane.Point, _ report: inout AuditReport
    ) {
        report.signatures += 1
        guard !head(of: batch, endingWith: end.hash).isSigned(with: batch.signature) else { return }
        report.add(
            Finding(
                check: .signatures, subject: .change(batch.origin, end.sequence),
                problem: "isn't signed by its author, nor is what leads up to it from "
                    + "\(batch.origin.text):\(batch.first) on"))
    }
}

extension Lane {
    /// Changes that are held in this lane.
    var ownedCount: Int { Int(clamping: held.sequence) - Int(clamping: fork.sequence) }
}
