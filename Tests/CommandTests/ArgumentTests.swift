import ParleyControl
import ParleyTestSupport
import Testing
import parley

@Suite struct ArgumentTests {
    private typealias Assignment = Request.Assignment

    @Test func readsTheFourKindsOfAssignment() throws {
        #expect(
            try Assignment(typed: "place=a=b")
                == Assignment(field: "place", operator: .set, value: "a=b"))
        #expect(
            try Assignment(typed: "tags+=x")
                == Assignment(field: "tags", operator: .add, value: "x"))
        #expect(
            try Assignment(typed: "tags-=x")
                == Assignment(field: "tags", operator: .remove, value: "x"))
        #expect(
            try Assignment(typed: "note:=")
                == Assignment(field: "note", operator: .unset, value: ""))
        #expect(
            try Assignment(typed: "note=") == Assignment(field: "note", operator: .set, value: ""))
    }

    @Test(arguments: ["place", "=x", "+=x", "note:=x", ""])
    func refusesWhatAssignsNothing(text: String) {
        #expect(throws: CommandFailure.self) { try Assignment(typed: text) }
    }

    @Test func valuesAreNeverRepeatedInErrors() throws {
        let failure = try #require(throws: CommandFailure.self) {
            try Assignment(typed: "name:=Somebody Private")
        }
        #expect(!failure.message.contains("Private"))
        #expect(failure.exitCode == 2)
    }

    @Test func filesHoldOneAssignmentALineAndIndentedLinesContinue() throws {
        let list = try AssignmentFile(
            "# a person\nname=One Name\n\nnote=first\n  second\n\t\n  fourth\ntags+=x\n"
        ).assignments()
        #expect(
            list == [
                Assignment(field: "name", operator: .set, value: "One Name"),
                Assignment(field: "note", operator: .set, value: "first\nsecond\n\nfourth"),
                Assignment(field: "tags", operator: .add, value: "x"),
            ])
    }

    /// A text keeps its empty lines, deeper indentation and every sign but the file's own.
    @Test(arguments: ["\n", "\r\n"])
    func filesKeepTheShapeOfATextBelowItsField(lineEnd: String) throws {
        let lines = [
            "narrative=", "    first", "", "      deeper", "  less", "\t", "    a\u{2028}b\u{85}c",
            "", "note=", "", "    after an empty line", "title=x",
        ]
        let list = try AssignmentFile(lines.joined(separator: lineEnd)).assignments()
        #expect(
            list.map(\.value) == [
                "first\n\n  deeper\nless\n\na\u{2028}b\u{85}c", "\nafter an empty line", "x",
            ])
    }

    @Test func filesNameTheLineThatIsWrong() throws {
        let failure = try #require(throws: CommandFailure.self) {
            try AssignmentFile("name=x\n\nplace\n").assignments()
        }
        #expect(failure.message.hasPrefix("line 3: "))
    }

    @Test func mistypedCommandsGetASuggestion() {
        #expect(
            UsageReport.unknownCommand(in: ["shw", "3f9a"])
                == "no command is called `parley shw`. Did you mean `parley show`?")
        #expect(
            UsageReport.unknownCommand(in: ["conflict", "lst"])
                == "no command is called `parley conflict lst`. Did you mean `parley conflict list`?"
        )
        #expect(UsageReport.unknownCommand(in: ["show", "--frob"]) == nil)
        // What isn't near any name is meant for the command that needs none.
        #expect(UsageReport.unknownCommand(in: ["erase", "8cf9257a"]) == nil)
        let lacking = TestNode.run(["erase", "8cf9257a"], home: "/nowhere")
        #expect(lacking.exitCode == 2 && lacking.errors.contains("--basis"))
    }

    @Test func whatBeginsWithADashGetsTheRightForm() {
        let value = TestNode.run(
            ["conflict", "resolve", "3f9a", "date", "--value", "-Private"], home: "/nowhere")
        #expect(value.exitCode == 2)
        #expect(value.errors.contains("`--value=-5`"))
        let reason = TestNode.run(
            ["edit", "3f9a", "note=x", "--because", "-Private"], home: "/nowhere")
        #expect(reason.errors.contains("`--because=-5`"))
        for words in [["find", "-Private"], ["edit", "3f9a", "-Private"]] {
            let result = TestNode.run(words, home: "/nowhere")
            #expect(result.exitCode == 2)
            #expect(result.errors.contains("`parley find -- -5`"))
            #expect(result.errors.contains("`note=-5`"))
            #expect(!result.errors.contains("Private"))
        }
        let option = TestNode.run(["show", "3f9a", "--frob"], home: "/nowhere")
        #expect(option.errors.contains("--frob"))
        #expect(!option.errors.contains("-- -5"))
    }

    @Test func everyHelpPageEndsWithExamples() {
        for command in HelpPage.everyCommand() {
            let last = command.examples.last?.command ?? "no example"
            #expect(
                HelpPage.text(command.words).hasSuffix("  \(last)\n"),
                "parley \(command.words.joined(separator: " "))")
        }
    }
}
