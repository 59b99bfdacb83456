import ArgumentParser
import ParleyControl
import ParleyNode

/// `parley types`
struct Types: ParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "List the types of records, or the fields of one.",
        discussion: """
            A field holds one value or is a set; of a sensitive field each value can be taken back \
            alone. Codes of a choice are advice: other words are accepted too.
            """)
    static let examples = [
        Example("all types", "parley types"),
        Example("what can be written about a person", "parley types person"),
    ]

    @Argument(help: "A type, for its fields.") var type: String?
    @OptionGroup var options: NodeOptions

    func run() throws {
        let response = try SchemaView.answer(type).checked()
        guard !options.json else { return Output.json(response.json ?? "[]") }
        let types: [TypeAnswer] = try response.answer()
        let screen = Surroundings.screen
        Output.write(
            type == nil ? TypePage.list(types, on: screen) : TypePage.fields(of: types, on: screen))
    }
}
