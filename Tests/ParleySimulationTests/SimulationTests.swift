import ParleySimulation
import ParleyTestSupport
import Testing

@Suite(.serialized) struct SimulationTests {
    @Test(arguments: Seeds.fromEnvironment(default: 24))
    func everybodyComesToTheSame(seed: UInt64) async throws {
        await #expect(throws: Never.self, "reproduce: Scripts/simulate --seed \(seed)") {
            _ = try await World(seed: seed).run()
        }
    }

    @Test func aSeedDoesTheSameEveryTime() async throws {
        let outcome = try await World(seed: 3).run()
        let again = try await World(seed: 3).run()
        #expect(again.trace == outcome.trace)
    }
}
