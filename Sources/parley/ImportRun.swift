import ParleyControl

/// Takes the lines of a file to the node, a chunk at a time.
struct ImportRun {
    let session: Session
    /// Keeps two chunks under way, so that one is read while the other is written.
    let sibling: Session
    /// Whether lines are only checked.
    let isRehearsal: Bool

    /// - Returns: what became of each line, also where something went wrong on the way. By then
    ///   nothing is under way any more.
    func run(_ lines: LineReader) async -> ImportLedger {
        var ledger = ImportLedger(wanted: lines.wanted)
        var bar = ProgressBar(label: isRehearsal ? "checking" : "importing", total: lines.byteCount)
        let showsBar = Surroundings.hasErrorTerminal && lines.byteCount > 0
        defer { if showsBar { Output.note(ProgressBar.erasure) } }
        var underWay: [(chunk: LineReader.Chunk, task: Task<ImportLedger.Outcome, Never>)] = []
        var turn = (session, sibling)
        Interruption.catchFirst()
        while ledger.failure == nil, let chunk = nextChunk(of: lines, &ledger) {
            let asked = turn.0
            underWay.append((chunk, Task { await outcome(of: chunk, from: asked) }))
            turn = (turn.1, turn.0)
            if showsBar, let line = bar.line(at: lines.bytesRead) { Output.note(line) }
            guard underWay.count == 2 else { continue }
            let (first, task) = underWay.removeFirst()
            ledger.note(await task.value, of: first)
        }
        for (chunk, task) in underWay { ledger.note(await task.value, of: chunk) }
        return ledger
    }

    private func nextChunk(
        of lines: LineReader, _ ledger: inout ImportLedger
    ) -> LineReader.Chunk? {
        do throws(CommandFailure) {
            guard !Interruption.isRequested else { throw Interruption.failure }
            return try lines.next()
        } catch {
            ledger.stop(error)
            return nil
        }
    }

    private func outcome(
        of chunk: LineReader.Chunk, from session: Session
    ) async -> ImportLedger.Outcome {
        let request =
            isRehearsal
            ? Request.checkLines(firstLine: chunk.firstLine, lines: chunk.lines)
            : Request.importLines(firstLine: chunk.firstLine, lines: chunk.lines)
        do {
            let response = try await session.backend.perform(session.envelope(of: request))
            guard let failure = response.failure else { return .answered(try response.answer()) }
            // What the store can't vouch for after a failed commit may be in all the same.
            return failure.exitCode == Exit.integrity ? .unknown(failure) : .refused(failure)
        } catch let failure as CommandFailure {
            return .unknown(failure)
        } catch {
            return .unknown(CommandFailure(Exit.refused, "cannot import on: \(error)."))
        }
    }
}
