/// Which lines of an import are in, which aren't, and of which nobody knows.
package struct ImportLedger {
    /// What became of a chunk, which goes in whole or not at all.
    package enum Outcome: Sendable {
        case answered(ImportAnswer)
        /// The node said that nothing of it was written.
        case refused(CommandFailure)
        /// It was sent, and no answer to rely on came back.
        case unknown(CommandFailure)
    }

    private let wanted: LineRanges
    private var answered = LineRanges()
    private var unknown = LineRanges()
    private var counted = ImportAnswer()
    /// The first thing that went wrong, after which no more is sent.
    package private(set) var failure: CommandFailure?

    package init(wanted: LineRanges = .all) {
        self.wanted = wanted
    }

    package mutating func note(_ outcome: Outcome, of chunk: LineReader.Chunk) {
        switch outcome {
        case .answered(let answer):
            answered.insert(chunk.range)
            counted.created += answer.created
            counted.changed += answer.changed
            counted.record = answer.record ?? counted.record
            counted.refused += chunk.refused + answer.refused
        case .refused(let reason): stop(reason)
        case .unknown(let reason):
            unknown.insert(chunk.range)
            stop(reason)
        }
    }

    /// The record made last, as far as is known.
    var lastRecord: String? { counted.record }

    /// Ends the import, unless it has ended before for another reason.
    package mutating func stop(_ reason: CommandFailure) {
        if failure == nil { failure = reason }
    }

    /// What is known to be done so far; what isn't, where something went wrong.
    ///
    /// - Parameter end: the file's last line, `nil` where that wasn't reached.
    package func total(end: Int?) -> ImportAnswer {
        var total = counted
        total.refused.sort { $0.line < $1.line }
        guard failure != nil else { return total }
        total.missing = missing(end: end).description
        total.unknown = unknown.description
        return total
    }

    /// The failure with what to type next.
    package func explained(of file: String, end: Int?) -> CommandFailure? {
        guard let failure else { return nil }
        var sentences = [failure.message]
        if !unknown.isEmpty {
            sentences.append(
                "\(unknown.wording) may be in or not: `parley log --limit 5` shows whether the last "
                    + "one is.")
        }
        let missing = missing(end: end)
        if !missing.isEmpty {
            let command = "parley import \(ShellWord.quoted(file)) --lines \(missing)"
            sentences.append("\(missing.wording) aren't in: `\(command)` goes on.")
        }
        return CommandFailure(failure.exitCode, sentences.joined(separator: "\n"))
    }

    private func missing(end: Int?) -> LineRanges {
        var beyond = LineRanges()
        if let end, end < .max { beyond.insert(end + 1...Int.max) }
        return wanted.subtracting(answered).subtracting(unknown).subtracting(beyond)
    }
}
