import NIOConcurrencyHelpers
import ParleyTransport
import ParleyWire
import Testing

/// What all peers together may have under way: 32 MiB.
struct SendBudgetTests {
    private final class Served: Sendable {
        private let names = NIOLockedValueBox<[String]>([])
        func note(_ name: String) { names.withLockedValue { $0.append(name) } }
        var all: [String] { names.withLockedValue { $0 } }
    }

    private let served = Served()

    private func take(_ bytes: Int, as name: String, of budget: SendBudget) {
        budget.take(bytes) { [served] in served.note(name) }
    }

    @Test(arguments: [-1, 0, 1])
    func roomIsGivenUpToTheLimitAndNotBeyond(excess: Int) {
        let budget = SendBudget()
        take(Limits.unacknowledgedBytes - 100, as: "most", of: budget)
        take(100 + excess, as: "rest", of: budget)
        #expect(served.all == (excess <= 0 ? ["most", "rest"] : ["most"]))
        #expect(budget.freeBytes >= 0)
    }

    /// A large read isn't overtaken for ever by small ones.
    @Test func whoWaitsIsServedInTurn() {
        let budget = SendBudget(bytes: 10)
        take(8, as: "first", of: budget)
        take(6, as: "large", of: budget)
        take(1, as: "small", of: budget)
        #expect(served.all == ["first"])
        budget.giveBack(3)
        #expect(served.all == ["first"])
        budget.giveBack(5)
        #expect(served.all == ["first", "large", "small"])
        budget.giveBack(7)
        #expect(budget.freeBytes == 10)
    }

    /// Whoever waits no longer keeps nobody else waiting.
    @Test func whoWithdrawsMakesWayForTheNext() {
        let budget = SendBudget(bytes: 10)
        take(8, as: "first", of: budget)
        let large = budget.take(6) { [served] in served.note("large") }
        take(2, as: "small", of: budget)
        budget.withdraw(large)
        #expect(served.all == ["first", "small"])
        budget.giveBack(10)
        #expect(served.all == ["first", "small"] && budget.freeBytes == 10)
    }
}
