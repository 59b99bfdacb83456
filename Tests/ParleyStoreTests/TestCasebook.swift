import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyWire

/// Time and chance that are the same in every run.
final class TestEnvironment: Sendable {
    private struct State {
        var milliseconds: UInt64 = 1_700_000_000_000
        var random: UInt64
    }

    private let state: NIOLockedValueBox<State>

    init(seed: UInt64 = 1) {
        state = NIOLockedValueBox(State(random: seed &* 0x9e37_79b9_7f4a_7c15 | 1))
    }

    func advance(milliseconds: UInt64) {
        state.withLockedValue { $0.milliseconds += milliseconds }
    }

    var environment: StoreEnvironment {
        StoreEnvironment(
            wallMilliseconds: { self.state.withLockedValue { $0.milliseconds } },
            randomBytes: { count in
                self.state.withLockedValue { state in
                    (0..<count).map { _ in
                        state.random = state.random &* 6_364_136_223_846_793_005 &+ 1_442_695_040
                        return UInt8(truncatingIfNeeded: state.random >> 56)
                    }
                }
            })
    }
}

/// A store with its key, on simulated time.
struct TestNode: Sendable {
    let folder: TestFolder
    let identity: Identity
    let world: TestEnvironment
    let store: CasebookStore
    let path: String

    /// The founder of a casebook.
    static func founder(
        _ name: String = "anna", seed: UInt64 = 1, folder: TestFolder? = nil,
        indexing fields: [String] = []
    ) async throws -> TestNode {
        let folder = try folder ?? TestFolder()
        let world = TestEnvironment(seed: seed)
        let identity = TestNode.identity(seed)
        let path = folder.file(name)
        let store = try await CasebookStore.found(
            at: path, name: "exchange", memberName: name, identity: identity,
            environment: world.environment.indexing(fields.map { FieldName($0)! }))
        return TestNode(
            folder: folder, identity: identity, world: world, store: store, path: path)
    }

    /// A second member, admitted by `self` and brought up to date.
    ///
    /// - Parameter others: the logs to take beside that of `self`; `nil` for what it holds.
    func admitting(
        _ name: String, seed: UInt64, role: Role = .editor, holding others: [VerifiedBatch]? = nil
    ) async throws -> TestNode {
        let world = TestEnvironment(seed: seed)
        let identity = TestNode.identity(seed)
        try await admit(identity.node, role, as: name)
        let path = folder.file(name)
        let joined = try CasebookStore.joining(
            at: path, casebook: store.casebookID, identity: identity,
            environment: world.environment)
        let node = TestNode(
            folder: folder, identity: identity, world: world, store: joined, path: path)
        guard let others else {
            try await node.pull(from: self)
            return node
        }
        try await node.pull(from: self, origins: [store.origin])
        try await node.store.ingest(others)
        return node
    }

    static func identity(_ seed: UInt64) -> Identity {
        Identity(privateKey: [UInt8](repeating: UInt8(seed), count: 32))!
    }

    /// Closes the store and opens it again.
    func reopened(indexing fields: [String] = []) async throws -> TestNode {
        try await store.close()
        return try opened(indexing: fields)
    }

    func opened(indexing fields: [String] = []) throws -> TestNode {
        let store = try CasebookStore.open(
            at: path, identity: identity,
            environment: world.environment.indexing(fields.map { FieldName($0)! }))
        return TestNode(
            folder: folder, identity: identity, world: world, store: store, path: path)
    }

    // MARK: Writing

    @discardableResult
    func create(_ type: String = "exchange", _ operations: Operation...) async throws -> Appended {
        try await store.write { try $0.append([.creation(type: name(type), operations)]) }
    }

    @discardableResult
    func edit(_ id: RecordID, _ operations: Operation...) async throws -> Appended {
        try await store.write { scope in
            guard let record = try scope.record(id) else { throw StoreError.unknownRecord }
            return try scope.append([.edit(of: record.reference, operations)])
        }
    }

    @discardableResult
    func admit(_ node: NodeID, _ role: Role, as name: String) async throws -> Appended {
        try await store.write { try $0.admit(Admission(node: node, role: role, name: name)) }
    }

    /// Ends a member's logs.
    ///
    /// - Parameter tips: the last that counts of each log; `nil` for what is applied here.
    @discardableResult
    func revoke(_ node: NodeID, keeping tips: [Clock.Entry]? = nil) async throws -> Appended {
        try await store.write { try $0.revoke(node, keeping: tips) }
    }

    /// Gives a member another role; what it does beyond without knowing of that is void.
    @discardableResult
    func change(_ node: NodeID, to role: Role) async throws -> Appended {
        try await store.write { scope in
            guard let member = try scope.members().first(where: { $0.node == node }) else {
                throw StoreError.notPermitted
            }
            return try scope.setRole(of: member, to: role)
        }
    }

    @discardableResult
    func erase(_ id: RecordID) async throws -> Appended {
        try await store.write { try $0.erase(id, basis: "the family asked") }
    }

    @discardableResult
    func redact(_ id: RecordID, _ field: String) async throws -> Appended {
        try await store.write { try $0.redact(id, name(field), basis: "the source asked") }
    }

    func record(_ id: RecordID) async throws -> ReadScope.StoredRecord? {
        try await store.read { try $0.record(id) }
    }

    func forks() async throws -> [Origin] { try await store.read { try $0.forks() } }

    func digest() async throws -> Digest {
        try await store.read { try $0.summary().digest }
    }

    // MARK: Exchanging

    /// Takes everything the other has applied and this one doesn't hold.
    ///
    /// - Parameter origins: only of these logs; `nil` for all.
    @discardableResult
    func pull(
        from other: TestNode, origins: [Origin]? = nil, byteLimit: Int = 1 << 20
    ) async throws -> IngestReport {
        var report = IngestReport()
        for origin in origins ?? other.store.appliedClock.entries.map(\.origin) {
            var log = PeerLog(origin: origin, tips: store.heldClock[origin])
            while let more = try await take(&log, from: other, byteLimit: byteLimit) {
                report.received += more.received
                report.applied += more.applied
                report.conflictsOpened += more.conflictsOpened
                report.waiting = more.waiting
            }
        }
        return report
    }

    /// Takes the next of one log.
    ///
    /// - Parameter log: what the other knows that this one has of it.
    /// - Returns: `nil` where there is no more.
    func take(
        _ log: inout PeerLog, from other: TestNode, byteLimit: Int
    ) async throws -> IngestReport? {
        let read = try await other.store.batches(for: [log], byteLimit: byteLimit)
        if !read.parted.isEmpty {
            log = try await located(log, in: other)
            return IngestReport()
        }
        if read.batches.isEmpty {
            // The other takes this one for ahead, and may be on a shorter branch: only this one can
            // tell, and says so in a session.
            let theirs = PeerLog(origin: log.origin, tips: other.store.heldClock[log.origin])
            guard !log.isLocated,
                try await !store.batches(for: [theirs], byteLimit: 1).parted.isEmpty
            else { return nil }
            log = try await located(log, in: other)
            return IngestReport()
        }
        let report = try await store.ingest(store.verify(read.batches.map(\.bytes)))
        log = PeerLog(
            origin: log.origin, tips: Array(Set(log.tips + read.batches.map(\.tip))),
            isLocated: log.isLocated)
        return report
    }

    /// With the newest changes that both have of each branch here.
    private func located(_ log: PeerLog, in other: TestNode) async throws -> PeerLog {
        var tips = Set(log.tips)
        for points in try await store.locators(of: log.origin) {
            let shared = try await other.store.newestShared(of: log.origin, among: points)
            if let shared { tips.insert(shared) }
        }
        return PeerLog(origin: log.origin, tips: Array(tips), isLocated: true)
    }

    func verified(_ batches: [StoredBatch]) async throws -> [VerifiedBatch] {
        try await store.verify(batches.map(\.bytes))
    }
}

extension CasebookStore {
    /// Runs of a log without forks after a sequence number.
    func batches(
        of origin: Origin, after sequence: UInt64, byteLimit: Int
    ) async throws -> [StoredBatch] {
        let log = try await log(of: origin, until: sequence)
        var batches: [StoredBatch] = []
        var tips = log.tips
        while true {
            let read = try await self.batches(
                for: [PeerLog(origin: origin, tips: tips)], byteLimit: byteLimit)
            guard let last = read.batches.last, byteLimit != 1 || batches.isEmpty else {
                return batches
            }
            batches += read.batches
            tips = [last.tip]
        }
    }

    /// Somebody who has a log, which didn't fork, up to a sequence number.
    func log(of origin: Origin, until sequence: UInt64) async throws -> PeerLog {
        let hash = sequence == 0 ? nil : try await hash(of: origin, at: sequence)
        return PeerLog(
            origin: origin,
            tips: hash.map { [Tip(sequence: sequence, hash: $0.prefix)] } ?? [])
    }

    /// The hash of a change of a log without forks.
    func hash(of origin: Origin, at sequence: UInt64) async throws -> Digest? {
        try await hashes(of: origin, at: sequence, named: nil).first
    }
}

func name(_ text: String) -> FieldName { FieldName(text)! }
func text(_ text: String) -> Value { .text(Array(text.utf8)) }
func write(_ field: String, _ value: String) -> Operation {
    Operation(.write, field: name(field), values: [text(value)])
}
func confide(_ field: String, _ value: String) -> Operation {
    Operation(.write, field: name(field), values: [text(value)], isSensitive: true)
}
func add(_ field: String, _ values: String...) -> Operation {
    Operation(.add, field: name(field), values: values.map(text))
}
func remove(_ field: String, _ values: String...) -> Operation {
    Operation(.remove, field: name(field), values: values.map(text))
}
let delete = Operation(.setState, field: nil, values: [.deleted])
let restore = Operation(.setState, field: nil, values: [.live])
