import Foundation

/// Everything that is measured on real daemons, one part after the other.
struct DaemonBench {
    let stage: Stage

    func run() async throws -> [Figure] {
        let cold = ColdSync(stage: stage)
        var figures = try cold.fill()
        let (synced, address) = try cold.sync()
        figures += synced
        let meetings = Meetings(stage: stage, address: address)
        figures += try meetings.noOperation()
        figures += try meetings.reconnect()
        figures += try meetings.live()
        figures += try await InsideNode(stage: stage).edits()
        let demand = Demand(stage: stage, address: address)
        figures += try demand.answers()
        figures += try demand.manyClients()
        figures += try cold.fanOut(address)
        figures += try cold.restart(address)
        let onlookers = Onlookers(stage: stage)
        for logs in [1, 10, 1_000] { figures += try await onlookers.noOperation(logs: logs) }
        figures += try await onlookers.fanOut(to: stage.size.onlookers)
        return figures
    }
}
