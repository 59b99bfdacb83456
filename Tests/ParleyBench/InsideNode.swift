import Foundation
import ParleyControl
import ParleyNode
import ParleyWorkload

/// What a node does without a daemon's socket before it and a client beside it: the code that answers
/// requests, in this process.
struct InsideNode {
    let stage: Stage

    /// Edits of the home that was filled, one after the other, each answered once it is durable.
    func edits(count: Int = 1_000) async throws -> [Figure] {
        stage.note("making \(count) edits without a daemon")
        let node = try await Node(home: Home(path: stage.source.path))
        do {
            let rate = try await rate(of: count, node)
            await node.close()
            return [
                Figure(
                    name: "durable edits, inside the node", value: rate, unit: "edits/s",
                    goal: .atLeastTimesFloor(0.9), floor: stage.floor.editsPerSecond)
            ]
        } catch {
            await node.close()
            throw error
        }
    }

    private func rate(of count: Int, _ node: Node) async throws -> Double {
        let list = Request.list(type: "report", filters: [], sort: nil, limit: 4_096)
        let listed = Data((try await done(list, node).json ?? "").utf8)
        let records = try JSONDecoder().decode([Daemon.Listed].self, from: listed).map(\.record)
        let start = ContinuousClock.now
        for number in 0..<count {
            // A field that the edits made apart leave alone: one in conflict wouldn't be written.
            let assignment = Request.Assignment(
                field: "url", operator: .set, value: "https://archive.example.org/in/\(number)")
            _ = try await done(
                .edit(
                    record: records[number * 7 % records.count], assignments: [assignment],
                    because: nil), node)
        }
        return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
    }

    private func done(_ request: Request, _ node: Node) async throws -> Response {
        let response = await node.perform(Envelope(casebook: nil, request: request))
        guard [0, 4].contains(response.exitCode) else {
            throw Programs.Failure(description: response.error ?? "exit \(response.exitCode)")
        }
        return response
    }
}
