import ArgumentParser
import ParleyControl

/// `parley new`
struct New: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create a record.",
        discussion: "Personal values belong in a file or on standard input: see --from.")
    static let examples = [
        Example(
            "an exchange, with the wording of the source",
            "parley new exchange title='Sweida exchange' date=2026-02-26 place=Sweida"),
        Example(
            "a person, without the name in the process list", "parley new person --from person.txt"),
    ]

    @Argument(help: "The type: exchange, person, facility, source...") var type: String
    @Argument(help: ArgumentHelp("What to write.", valueName: "field=value"))
    var assignments: [String] = []
    @OptionGroup var source: AssignmentSource
    @OptionGroup var reason: ReasonOption
    @OptionGroup var options: NodeOptions

    func validate() throws { try reason.checkInput(besides: source.from) }

    func request() throws -> Request {
        .new(
            type: type, assignments: try source.required(after: assignments, for: "new"),
            because: try reason.text())
    }

    func page(for written: WrittenRecord, on screen: Screen) -> String {
        WrittenPage.text("created \(type)", written, on: screen)
    }
}

/// `parley edit`
struct Edit: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Change fields of a record.",
        discussion: """
            FIELD=VALUE writes a field, FIELD:= unsets it; FIELD+=ELEMENT and FIELD-=ELEMENT add to \
            a set and remove from it, FIELD:= leaves nothing of a set but what is added with it.
            """)
    static let examples = [
        Example(
            "one field, with the reason",
            "parley edit 3f9a place='Adra Central Prison' --because 'named by Reuters'"),
        Example("a tag in, another out", "parley edit @last tags+=verified tags-=draft"),
        Example("take a value back", "parley edit @last note:="),
        Example("these tags and no others", "parley edit @last tags:= tags+=verified"),
        Example(
            "a reason that names people, out of sight of `ps`",
            "parley edit 3f9a stage=partial --because-from reason.txt"),
    ]

    @Argument(help: "The record, by any unique beginning of its ID, or @last.") var record: String
    @Argument(help: ArgumentHelp("What to write.", valueName: "field=value"))
    var assignments: [String] = []
    @OptionGroup var source: AssignmentSource
    @OptionGroup var reason: ReasonOption
    @OptionGroup var options: NodeOptions

    func validate() throws { try reason.checkInput(besides: source.from) }

    func request() throws -> Request {
        .edit(
            record: record, assignments: try source.required(after: assignments, for: "edit"),
            because: try reason.text())
    }

    func page(for written: WrittenRecord, on screen: Screen) -> String {
        WrittenPage.text("edited", written, on: screen)
    }
}

/// What every write answers.
enum WrittenPage {
    static func text(_ deed: String, _ written: WrittenRecord, on screen: Screen) -> String {
        let id = screen.paint(ShortNames.record(written.record), .title)
        guard let change = written.change else {
            return "nothing to change: \(id) holds that already\n"
        }
        let name = ShortNames.change(change, among: [])
        return "\(deed) \(id)" + screen.paint("  change \(name)", .faint) + "\n"
    }
}
