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
        let target = try await Question.target(
            record, isSure: yes, options, verb: "delete", ending: "from the casebook, for everybody"
        )
        try await Session.with(options) {
            try await $0.show(.delete(record: target, because: because), page: page)
        }
    }

    private func page(for written: WrittenRecord, on screen: Screen) -> String {
        let id = ShortNames.record(written.record)
        return WrittenPage.text("deleted", written, on: screen)
            + "to bring it back: parley restore \(id)\n"
    }
}
