import Foundation
import ParleyControl

/// What people ask a daemon most, over and over.
struct Questions {
    enum Kind: CaseIterable {
        case show, list, indexedList, plainList, find, conflictList
    }

    private let client: ControlClient
    private let casebook: String?
    private let records: [String]

    /// Finishes the index, and tags some records to filter by.
    ///
    /// - Parameters:
    ///   - casebook: `nil` where there is only one.
    ///   - count: how many of its records are shown in turn.
    init(to daemon: Daemon, casebook: String? = nil, records count: Int) throws {
        client = try daemon.client()
        self.casebook = casebook
        records = try daemon.records(count, casebook: casebook)
        try client.done(.find("zzyzx"), casebook: casebook)
        let tag = Request.Assignment(field: "tags", operator: .add, value: "urgent")
        for record in records.prefix(100) {
            try client.done(
                .edit(record: record, assignments: [tag], because: nil), casebook: casebook)
        }
    }

    /// Milliseconds that the slowest one in a hundred takes.
    func slowest(_ kind: Kind, of count: Int = 300) throws -> Double {
        let times = try (0..<count).map { number in
            try Stopwatch.seconds { try client.done(request(kind, number), casebook: casebook) }
        }
        return times.sorted()[count * 99 / 100] * 1_000
    }

    private func request(_ kind: Kind, _ number: Int) -> Request {
        switch kind {
        case .show: .show(record: records[number * 7 % records.count], at: nil)
        case .list: .list(type: "report", filters: [], sort: nil, limit: 50)
        case .indexedList: filtered("tags", "urgent")
        case .plainList: filtered("place", "Nowhere")
        case .find: .find(words: ["brigade", "centre", "detention"][number % 3], limit: 50)
        case .conflictList: .listConflicts(limit: 50)
        }
    }

    private func filtered(_ field: String, _ value: String) -> Request {
        let filter = Request.Assignment(field: field, operator: .set, value: value)
        return .list(type: "report", filters: [filter], sort: nil, limit: 50)
    }
}

extension Request {
    static func find(_ words: String) -> Request { .find(words: words, limit: 50) }
}
