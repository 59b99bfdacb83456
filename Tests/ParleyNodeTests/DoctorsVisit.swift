import Foundation
import GRDB
import ParleyControl
import ParleyNode
import ParleyStore
import Testing

/// One line of what `doctor` answers.
struct DoctorsLine {
    let ok: Bool
    let detail: String
    let next: String?
}

/// Homes of one test, and what `doctor` says of them.
protocol DoctorsVisit {
    var homes: Homes { get }
    var clock: TestClock { get }
}

extension DoctorsVisit {
    func environment(
        clock: TestClock? = nil, mebibytes: UInt64 = 1 << 20
    ) -> NodeEnvironment {
        NodeEnvironment(
            store: (clock ?? self.clock).environment,
            freeSpace: { _ in FreeSpace(bytes: mebibytes << 20) })
    }

    /// Asks with the daemon stopped.
    func answer(
        _ request: Request, of home: Home, _ environment: NodeEnvironment? = nil
    ) async throws -> Response {
        let node = try await Node(home: home, environment: environment ?? self.environment())
        let response = await node.perform(Envelope(casebook: nil, request: request))
        await node.close()
        return response
    }

    /// What is said about one check.
    func lines(_ check: String, in response: Response) throws -> [DoctorsLine] {
        let all = try JSONParser.parse(response.json ?? "").items
        #expect(response.exitCode == (all.allSatisfy { $0["ok"]?.text == "true" } ? 0 : 1))
        return all.filter { $0["check"].content == check }.map {
            DoctorsLine(
                ok: $0["ok"]?.text == "true", detail: $0["detail"].content ?? "",
                next: $0["next"].content)
        }
    }

    func lines(
        _ check: String, of home: Home, _ environment: NodeEnvironment? = nil
    ) async throws -> [DoctorsLine] {
        try lines(check, in: try await answer(.doctor, of: home, environment))
    }

    func expectWell(
        _ check: String, of home: Home, at location: SourceLocation = #_sourceLocation
    ) async throws {
        let lines = try await lines(check, of: home)
        #expect(lines.count == 1 && lines[0].ok, "\(lines)", sourceLocation: location)
    }

    /// A home with a casebook in it.
    func founded(_ name: String = "amal") async throws -> Home {
        _ = try homes[name].create(name: name)
        _ = try await answer(.createCasebook(name: "exchanges"), of: homes[name])
        return homes[name]
    }

    /// Two homes that share a casebook and hold the same.
    func pair() async throws -> (amal: Home, basil: Home) {
        let amal = try await RunningNode.start(
            homes["amal"], name: "amal", environment: environment())
        let basil = try await RunningNode.start(
            homes["basil"], name: "basil", environment: environment())
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        _ = try await amal.admit(basil)
        _ = try await basil.ask(.sync(peer: "amal", waitSeconds: 20))
        _ = try await amal.ask(.sync(peer: "basil", waitSeconds: 20))
        for node in [basil, amal] { await node.stop() }
        return (homes["amal"], homes["basil"])
    }

    func sync(_ first: Home, _ second: Home) async throws {
        let one = try await RunningNode.start(first, environment: environment())
        let other = try await RunningNode.start(second, environment: environment())
        _ = try await one.json(.addPeer(node: "basil", address: other.address))
        _ = try await one.ask(.sync(peer: "basil", waitSeconds: 20))
        for node in [one, other] { await node.stop() }
    }

    func store(of home: Home) throws -> CasebookStore {
        try CasebookStore.open(
            at: try #require(home.casebookPaths().first), identity: try home.identity(),
            environment: clock.environment)
    }

    func damage(_ home: Home, _ sql: String) throws {
        let queue = try DatabaseQueue(path: try #require(home.casebookPaths().first))
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }
}
