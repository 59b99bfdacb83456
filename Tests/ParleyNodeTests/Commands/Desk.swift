import Foundation
import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyStore
import ParleyWire

/// One analyst's casebook with its commands, in a folder of its own and on a clock that the test
/// sets.
final class Desk: Sendable {
    let store: CasebookStore
    let clock: TestClock
    private let folder: String
    private let last = NIOLockedValueBox<String?>(nil)
    let shown = ShownConflicts()

    private init(_ store: CasebookStore, _ folder: String, _ clock: TestClock) {
        self.store = store
        self.folder = folder
        self.clock = clock
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Founds a casebook.
    static func founder(_ name: String = "Nour") async throws -> Desk {
        let (folder, clock) = (try newFolder(), TestClock())
        let store = try await CasebookStore.found(
            at: folder + "/casebook.sqlite", name: "exchanges", memberName: name,
            identity: .generate(), environment: clock.environment)
        return Desk(store, folder, clock)
    }

    /// Admits another analyst, who gets all there is.
    func admitting(_ name: String, role: Role = .editor) async throws -> Desk {
        let identity = Identity.generate()
        let admission = Admission(node: identity.node, role: role, name: name)
        _ = try await store.write { scope in
            try scope.append([
                Group(kind: .admission, subject: .casebook, content: .payload(admission.encoded))
            ])
        }
        let (folder, clock) = (try Desk.newFolder(), TestClock())
        let joined = try CasebookStore.joining(
            at: folder + "/casebook.sqlite", casebook: store.casebookID, identity: identity,
            environment: clock.environment)
        let desk = Desk(joined, folder, clock)
        try await desk.pull(from: self)
        return desk
    }

    /// Carries out a request; `@last` is the record of the one before.
    ///
    /// - Parameter showsAllValues: as `--json` and `conflict show` do, and other pages don't.
    func perform(_ request: Request, showsAllValues: Bool = true) async -> Result {
        let last = last.withLockedValue { $0 }
        let response = await CasebookCommands(
            store: store, shown: shown, showsAllValues: showsAllValues
        ) { last }.perform(request)
        let result = Result(response)
        if let record = result.json?["record"].content {
            self.last.withLockedValue { $0 = record }
        }
        return result
    }

    /// Takes in what the other holds and this one doesn't.
    func pull(from other: Desk) async throws {
        for entry in other.store.appliedClock.entries {
            while true {
                let log = PeerLog(origin: entry.origin, tips: store.heldClock[entry.origin])
                let read = try await other.store.batches(for: [log], byteLimit: .max)
                guard !read.batches.isEmpty else { break }
                try await store.ingest(store.verify(read.batches.map(\.bytes)))
            }
        }
    }

    /// Both end up with everything.
    func meet(_ other: Desk) async throws {
        try await pull(from: other)
        try await other.pull(from: self)
    }

    func digest() async throws -> Digest {
        try await store.read { try $0.summary().digest }
    }

    private static func newFolder() throws -> String {
        let folder = NSTemporaryDirectory() + "parley-node-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        return folder
    }
}

/// A wall clock that stands still until it is moved: 2026-02-26, 10:00 UTC at first.
final class TestClock: Sendable {
    private let milliseconds = NIOLockedValueBox<UInt64>(1_772_100_000_000)

    func set(_ timestamp: String) {
        milliseconds.withLockedValue { $0 = Timestamp(text: timestamp)!.milliseconds }
    }

    var environment: StoreEnvironment {
        StoreEnvironment(wallMilliseconds: { self.milliseconds.withLockedValue { $0 } })
    }
}

/// What a command answered.
struct Result {
    let exitCode: Int32
    let json: JSONValue?
    let error: String

    init(_ response: Response) {
        exitCode = response.exitCode
        json = response.json.flatMap { try? JSONParser.parse($0) }
        error = response.error ?? ""
    }

    var record: String { json?["record"].content ?? "" }
    var change: String { json?["change"].content ?? "" }
}

extension JSONValue {
    subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.0 == name }?.1
    }

    var names: [String] {
        guard case .object(let members) = self else { return [] }
        return members.map(\.0)
    }

    var items: [JSONValue] {
        guard case .array(let values) = self else { return [] }
        return values
    }

    /// The content of a string.
    var content: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }
}

extension JSONValue? {
    /// The content of a string.
    var content: String? { self?.content }
}

extension Request {
    /// `new TYPE FIELD=VALUE...` as typed.
    static func new(_ type: String, _ assignments: String...) -> Request {
        .new(type: type, assignments: assignments.map(Assignment.init(typed:)), because: nil)
    }

    static func edit(_ record: String, _ assignments: String..., because: String? = nil) -> Request
    {
        .edit(
            record: record, assignments: assignments.map(Assignment.init(typed:)), because: because)
    }

    static func show(_ record: String) -> Request { .show(record: record, at: nil) }

    static func take(
        _ change: String, _ record: String, _ field: String, seen: [String] = [],
        because: String? = nil
    ) -> Request {
        .resolveConflict(
            record: record, field: field, choice: .take(change: change), seen: seen,
            because: because)
    }

    static func settle(_ record: String, _ field: String, as value: String) -> Request {
        .resolveConflict(
            record: record, field: field, choice: .value(value), seen: [], because: nil)
    }
}

extension Request.Assignment {
    init(typed: String) {
        for symbol in [Operator.add, .remove, .unset, .set] {
            guard let range = typed.range(of: symbol.rawValue) else { continue }
            self.init(
                field: String(typed[..<range.lowerBound]), operator: symbol,
                value: String(typed[range.upperBound...]))
            return
        }
        preconditionFailure("no assignment: \(typed)")
    }
}
