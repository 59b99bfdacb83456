import Foundation
import ParleyCRDT
import ParleyCasework
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyStore
import ParleyWire
import ParleyWorkload

/// What a casebook shall hold when a daemon comes to serve it.
struct CasebookShape {
    var records = 10_000
    /// Who are admitted beside the founder and write nothing.
    var onlookers = 0
    /// Whose logs the records are spread over, the founder's among them.
    var origins = 1
    /// Of each record, made by the founder after its creation.
    var editsPerRecord = 0
    /// Records whose place two people changed without knowing of each other.
    var conflicts = 0
}

/// A casebook in the home of its founder, as far as others need to know it.
struct BuiltCasebook: Sendable {
    let id: Digest
    /// The founder first.
    let members: [Identity]
    let clock: Clock
    /// The end of the founder's log.
    let head: (sequence: UInt64, hash: Digest)
}

/// Writes casebooks into a home without a daemon, as many nodes would have filled them over years:
/// signed, chained and stored by the code that ships.
struct CasebookBuilder {
    private static let changesPerRun = 1_024

    private let shape: CasebookShape
    private let store: CasebookStore
    /// The founder first, then those who write.
    private let members: [Identity]
    /// Where each record was created, in order of arrival.
    private var records: [RecordReference] = []

    /// - Parameter home: where a node lives already and no daemon runs.
    @discardableResult
    static func build(
        _ shape: CasebookShape, name: String = "bench", in home: URL
    ) async throws -> BuiltCasebook {
        let home = Home(path: home.path)
        let founder = try home.identity()
        let file = "\(home.casebooksPath)/\(randomDigits).sqlite"
        let store = try await CasebookStore.found(
            at: file, name: name, memberName: home.name(), identity: founder,
            environment: StoreEnvironment.system.indexing(Schema.casework.indexedFields))
        let writers = max(shape.origins, shape.conflicts > 0 ? 2 : 1)
        let others = (1..<writers + shape.onlookers).map { _ in Identity.generate() }
        var builder = CasebookBuilder(shape: shape, store: store, members: [founder] + others)
        do {
            try await builder.fill()
        } catch {
            try await store.close()
            throw error
        }
        let head = store.head(of: store.origin)
        let built = BuiltCasebook(
            id: store.casebookID, members: builder.members, clock: store.heldClock,
            head: (head.last, head.hash))
        try await store.close()
        return built
    }

    /// Fills a casebook and times how one run of edits is taken in that somebody else made meanwhile, a
    /// tenth of them where the founder edited as well.
    ///
    /// - Returns: seconds for checking the run and for storing it durably.
    static func timeIntake(
        records: Int, edits: Int, in home: URL
    ) async throws -> (checking: Double, storing: Double) {
        let home = Home(path: home.path)
        _ = try home.create(name: "amal")
        let founder = try home.identity()
        let store = try await CasebookStore.found(
            at: "\(home.casebooksPath)/\(randomDigits).sqlite", name: "bench",
            memberName: "amal", identity: founder,
            environment: StoreEnvironment.system.indexing(Schema.casework.indexedFields))
        let shape = CasebookShape(records: records, onlookers: 1)
        var builder = CasebookBuilder(
            shape: shape, store: store, members: [founder, Identity.generate()])
        try await builder.fill()
        let seen = store.appliedClock.entries
        let chosen = stride(from: 0, to: records, by: max(records / edits, 1)).prefix(edits)
            .map { builder.records[$0] }
        try await builder.edit(Array(chosen.prefix(edits / 10)), field: "place", value: "here")
        let run = try builder.run(
            of: chosen.map { .edit(of: $0, [builder.write("place", "there")]) },
            by: LogAuthor(identity: builder.members[1], epoch: 1), seen: seen)
        let clock = ContinuousClock()
        let start = clock.now
        let verified = try await store.verify([run.bytes])
        let checked = clock.now
        try await store.ingest(verified)
        let stored = clock.now
        try await store.close()
        return ((checked - start) / .seconds(1), (stored - checked) / .seconds(1))
    }

    private static var randomDigits: String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private init(shape: CasebookShape, store: CasebookStore, members: [Identity]) {
        self.shape = shape
        self.store = store
        self.members = members
    }

    private mutating func fill() async throws {
        try await admitMembers()
        try await createRecords()
        for round in 0..<shape.editsPerRecord {
            try await edit(records, field: Workload.fields[round % 8], value: "edit \(round)")
        }
        if shape.conflicts > 0 { try await disagree(about: Array(records.prefix(shape.conflicts))) }
    }

    private func admitMembers() async throws {
        let admissions = members.dropFirst().enumerated().map { number, identity in
            Admission(node: identity.node, role: .editor, name: "member \(number + 1)")
        }
        _ = try await store.write { scope in
            for admission in admissions { try scope.admit(admission) }
        }
    }

    // MARK: Records

    private mutating func createRecords() async throws {
        let share = (shape.records + shape.origins - 1) / shape.origins
        // The founder's come in pieces, because there may be a million of them.
        let limit = shape.origins == 1 ? CasebookBuilder.changesPerRun : share
        var waiting: [Group] = []
        var author = 0
        for (number, values) in Workload().records(shape.records).enumerated() {
            let operations = zip(Workload.fields, values).map { write($0, $1) }
            waiting.append(.creation(type: FieldName("report")!, operations))
            guard waiting.count == limit || number == shape.records - 1 else { continue }
            records +=
                author == 0
                ? try await append(waiting) : try await sign(waiting, by: members[author])
            waiting.removeAll(keepingCapacity: true)
            if shape.origins > 1 { author += 1 }
        }
    }

    /// The founder's edits, each in a change of its own.
    private func edit(_ records: [RecordReference], field: String, value: String) async throws {
        try await append(records.map { .edit(of: $0, [write(field, value)]) })
    }

    /// The founder and one other write different values, the other before it had seen the founder's.
    private func disagree(about records: [RecordReference]) async throws {
        let seen = store.appliedClock.entries
        try await edit(records, field: "place", value: "Northgate")
        _ = try await sign(
            records.map { .edit(of: $0, [write("place", "Southgate")]) }, by: members[1],
            epoch: 2, seen: seen)
    }

    private func write(_ field: String, _ value: String) -> ParleyModel.Operation {
        ParleyModel.Operation(
            .write, field: FieldName(field)!, values: [.text(Array(value.utf8))])
    }

    // MARK: Changes

    @discardableResult
    private func append(_ groups: [Group]) async throws -> [RecordReference] {
        var records: [RecordReference] = []
        for start in stride(from: 0, to: groups.count, by: CasebookBuilder.changesPerRun) {
            let chunk = Array(
                groups[start..<min(start + CasebookBuilder.changesPerRun, groups.count)])
            records += try await store.write { scope in
                try chunk.map {
                    RecordReference(
                        creation: DotReference(try scope.append([$0]).dot), group: 0)
                }
            }
        }
        return records
    }

    /// One log of another member, with a change for each group.
    ///
    /// - Parameter seen: what its author had applied; `nil` for the founder's log.
    private func sign(
        _ groups: [Group], by identity: Identity, epoch: UInt64 = 1, seen: [Clock.Entry]? = nil
    ) async throws -> [RecordReference] {
        let author = LogAuthor(identity: identity, epoch: epoch)
        let seen = seen ?? store.appliedClock.entries.filter { $0.origin == store.origin }
        var previous: VerifiedBatch?
        for first in stride(from: 0, to: groups.count, by: CasebookBuilder.changesPerRun) {
            let last = min(first + CasebookBuilder.changesPerRun, groups.count)
            let run = try run(
                of: Array(groups[first..<last]), by: author, after: previous, seen: seen)
            try await store.ingest([run])
            previous = run
        }
        return groups.indices.map {
            RecordReference(
                creation: DotReference(origin: author.origin, sequence: UInt64($0 + 1)), group: 0)
        }
    }

    private func run(
        of groups: [Group], by author: LogAuthor, after previous: VerifiedBatch? = nil,
        seen: [Clock.Entry]
    ) throws -> VerifiedBatch {
        let first = (previous?.last ?? 0) + 1
        let start = StoreEnvironment.system.wallMilliseconds()
        let changes = groups.enumerated().map { index, group in
            Change(
                origin: author.origin, sequence: first + UInt64(index),
                time: HybridTime(
                    milliseconds: start + UInt64(index / 8), counter: UInt16(index % 8)),
                contextDelta: first == 1 && index == 0 ? seen : [], groups: [group])
        }
        return try author.run(
            of: changes, casebook: store.casebookID, previous: previous?.hashes.last ?? .zero,
            seed: StoreEnvironment.systemRandomBytes(16))
    }
}
