import ParleyControl

/// Asks before what can't be undone, or easily hits the wrong record: an ID is easily mistyped, and
/// `@last` easily misremembered.
enum Question {
    /// Names the record and asks, unless somebody has said that it needn't.
    ///
    /// - Returns: the full ID of what was shown. The node is let go while the person thinks, and by
    ///   then another record may be the last one.
    static func target(
        _ record: String, isSure: Bool, _ options: NodeOptions, verb: String, ending: String
    ) async throws -> String {
        if isSure { return record }
        try requirePerson(verb: "\(verb) \(record)")
        let named: ListedRecord = try await Session.with(options) {
            try await $0.perform(.nameRecord(record)).answer()
        }
        let title = Columns.shortened(named.title?.line ?? "", to: 60)
        let what =
            "\(named.type) \(ShortNames.record(named.record))" + (title.isEmpty ? "" : ", \(title)")
        let deed = "\(verb.prefix(1).uppercased())\(verb.dropFirst())"
        try ask("\(deed) \(what), \(ending)? [y/N] ", verb: "\(verb) \(record)")
        return named.record
    }

    /// - Parameter verb: what is to be done, for who isn't there to be asked.
    /// - Throws: `CommandFailure` unless the answer is yes.
    static func ask(_ question: String, verb: String) throws(CommandFailure) {
        try requirePerson(verb: verb)
        Output.note(question)
        guard ["y", "yes"].contains(readLine()?.lowercased()) else {
            throw CommandFailure(Exit.refused, "nothing done, as you answered")
        }
    }

    private static func requirePerson(verb: String) throws(CommandFailure) {
        guard !Surroundings.canAsk else { return }
        throw CommandFailure(
            Exit.usage,
            "nothing done: nobody is there to be asked. Add --yes to \(verb) without a question.")
    }
}
