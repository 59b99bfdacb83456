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
        let list = try Assignment.list(
            in: "# a person\nname=One Name\n\nnote=first\n  second\n\t\n  fourth\ntags+=x\n")
        #expect(
            list == [
                Assignment(field: "name", operator: .set, value: "One Name"),
                Assignment(field: "note", operator: .set, value: "first\nsecond\n\nfourth"),
                Assignment(field: "tags", operator: .add, value: "x"),
            ])
    }

    @Test func filesNameTheLineThatIsWrong() throws {
        let failure = try #require(throws: CommandFailure.self) {
            try Assignment.list(in: "name=x\n\nplace\n")
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
