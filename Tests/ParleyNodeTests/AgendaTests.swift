import ParleyNode
import Testing

struct AgendaTests {
    /// Whatever is named while nobody attends waits, once, in order: a busy thing pushes nothing out.
    @Test func nothingNamedIsLost() async {
        let agenda = Agenda<Int>()
        agenda.add(-1)
        for number in 0..<1000 { agenda.add(number % 200) }
        let attended = await Task {
            var items: [Int] = []
            await agenda.attend { item in
                items.append(item)
                if item == 199 { withUnsafeCurrentTask { $0?.cancel() } }
            }
            return items
        }.value
        #expect(attended == Array(-1..<200))
    }

    /// What is named again while it is being attended to gets another turn.
    @Test func whatIsNamedMeanwhileComesAgain() async {
        let agenda = Agenda<String>()
        agenda.add("casebook")
        let turns = await Task {
            var turns = 0
            await agenda.attend { item in
                turns += 1
                if turns == 1 { agenda.add(item) } else { withUnsafeCurrentTask { $0?.cancel() } }
            }
            return turns
        }.value
        #expect(turns == 2)
    }
}
