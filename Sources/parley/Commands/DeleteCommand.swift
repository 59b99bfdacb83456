import ArgumentParser
import ParleyControl

/// `parley delete`
struct Delete: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Delete a record; `parley restore` brings it back.",
        discussion: "Asks first on a terminal. Elsewhere it needs --yes.")
    static let examples = [
        Example(
            "without being asked", "parley delete 3f9a --yes --because 'entered twice by mistake'")
    ]

    @Argument(help: "The record, by any unique beginning of its ID, or @last.") var record: String
    @Flag(help: "Don't ask.") var yes = false
    @OptionGroup var reason: ReasonOption
    @OptionGroup var options: NodeOptions

    func run() async throws {
        let because = try reason.text()
        let target = yes ? record : try await confirmed()
        try await Session.with(options) {
            try await $0.show(.delete(record: target, because: because), page: page)
        }
    }

    private func page(for written: WrittenRecord, on screen: Screen) -> String {
        let id = ShortNames.record(written.record)
        return WrittenPage.text("deleted", written, on: screen)
            + "to bring it back: parley restore \(id)\n"
    }

    /// Asks, with the record's title: an ID is easily mistyped, and @last easily misremembered.
    ///
    /// - Returns: the full ID of what was shown. The node is let go while the person thinks, and
    ///   by then another record may be the last one.
    private func confirmed() async throws -> String {
        guard Surroundings.canAsk else {
            throw CommandFailure(
                Exit.usage,
                "nothing deleted: nobody is there to be asked. Add --yes to delete \(record) "
                    + "without a question.")
        }
        let named: ListedRecord = try await Session.with(options) {
            try await $0.perform(.nameRecord(record)).answer()
        }
        let title = Columns.shortened(named.title?.line ?? "", to: 60)
        Output.note(
            "Delete \(named.type) \(ShortNames.record(named.record))"
                + (title.isEmpty ? "" : ", \(title),")
                + " from the casebook, for everybody? [y/N] ")
        guard ["y", "yes"].contains(readLine()?.lowercased()) else {
            throw CommandFailure(Exit.refused, "nothing deleted, as you answered")
        }
        return named.record
    }
}
