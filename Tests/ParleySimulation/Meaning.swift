import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore

/// What a casebook's changes mean, computed from their definition: what stands in a field is what was
/// written there and that nobody has replaced who had seen it.
///
/// For logs without forks, where all changes count.
struct Meaning {
    /// One write to one place.
    private struct Written {
        let dot: Dot
        let values: [Value]
        /// Which writes of the same place go.
        let replaces: (Dot, Value) -> Bool
    }

    private struct Place: Hashable {
        let record: RecordID
        let target: CellWrite.Target
    }

    private var writes: [Place: [Written]] = [:]
    /// Of which nothing is known any more.
    private var erased: Set<RecordID> = []
    private var records: Set<RecordID> = []

    /// Reads all logs.
    init(of store: CasebookStore) async throws {
        var changes: [Origin: [(Change, Digest)]] = [:]
        for entry in store.appliedClock.entries {
            for sequence in 1...entry.tips[0].sequence {
                let hash = try await store.hashes(of: entry.origin, at: sequence, named: nil)[0]
                let dot = Dot(origin: entry.origin, sequence: sequence, hash: hash.prefix)
                guard let logged = try await store.read({ try $0.loggedChange(dot) }) else {
                    throw Violation("a change that counts as applied isn't in the log")
                }
                changes[entry.origin, default: []].append((logged.change, hash))
            }
        }
        for (origin, log) in changes { interpret(log, of: origin, changes) }
    }

    private mutating func interpret(
        _ log: [(Change, Digest)], of origin: Origin, _ all: [Origin: [(Change, Digest)]]
    ) {
        var context: [Origin: UInt64] = [:]
        for (change, hash) in log {
            for entry in change.contextDelta {
                context[entry.origin] = entry.tips.map(\.sequence).max()
            }
            context[origin] = change.sequence - 1
            let seen = context
            let dot = Dot(origin: origin, sequence: change.sequence, hash: hash.prefix)
            for (index, group) in change.groups.enumerated() {
                let record: RecordID
                switch group.subject {
                case .casebook: continue
                case .created: record = RecordID(change: hash, group: index)
                case .existing(let reference):
                    let log = all[reference.creation.origin]!
                    record = RecordID(
                        change: log[Int(reference.creation.sequence) - 1].1,
                        group: Int(reference.group))
                }
                records.insert(record)
                guard case .operations(_, let operations) = group.content else {
                    erased.insert(record)
                    continue
                }
                interpret(operations, record, dot) { $0.sequence <= seen[$0.origin] ?? 0 }
            }
        }
    }

    private mutating func interpret(
        _ operations: [Operation], _ record: RecordID, _ dot: Dot, seen: @escaping (Dot) -> Bool
    ) {
        func note(
            _ target: CellWrite.Target, _ values: [Value],
            _ replaces: @escaping (Dot, Value) -> Bool
        ) {
            writes[Place(record: record, target: target), default: []].append(
                Written(dot: dot, values: values, replaces: replaces))
        }
        for operation in operations {
            if operation.values.contains(where: \.isErased) { erased.insert(record) }
            switch operation.kind {
            case .write: note(.register(operation.field!), operation.values) { dot, _ in seen(dot) }
            case .add:
                for value in operation.values {
                    note(.element(operation.field!, value), [.present]) { dot, _ in seen(dot) }
                }
            case .remove:
                for value in operation.values {
                    note(.element(operation.field!, value), []) { dot, _ in seen(dot) }
                }
            case .setState: note(.state, operation.values) { dot, _ in seen(dot) }
            case .resolve:
                note(.register(operation.field!), operation.values) { dot, _ in
                    seen(dot) && operation.drops.contains { $0.names(dot) }
                }
            default: erased.insert(record)
            }
        }
        if !operations.contains(where: { $0.kind == .setState }) {
            // An edit keeps a record that somebody deletes meanwhile.
            note(.state, [.live]) { dot, value in value == .live && seen(dot) }
        }
    }

    /// What stands in a place.
    private func standing(in place: Place) -> Set<Cell.Entry> {
        let all = writes[place] ?? []
        var entries: Set<Cell.Entry> = []
        for write in all {
            for value in write.values
            where !all.contains(where: { $0.dot != write.dot && $0.replaces(write.dot, value) }) {
                entries.insert(Cell.Entry(dot: write.dot, value: value))
            }
        }
        return entries
    }

    /// - Throws: `Violation` where a record says something else.
    func check(_ store: CasebookStore) async throws {
        for id in records.subtracting(erased) {
            guard let record = try await store.read({ try $0.record(id) }) else {
                throw Violation("a record that somebody created isn't there")
            }
            let state = record.state
            var targets = Set(writes.keys.filter { $0.record == id }.map(\.target))
            targets.formUnion(state.registers.map { .register($0.name) })
            for set in state.sets {
                targets.formUnion(set.content.elements.map { .element(set.name, $0.value) })
            }
            for target in targets {
                let expected = standing(in: Place(record: id, target: target))
                guard Set(state[target].entries) == expected else {
                    throw Violation("a record doesn't say what its changes mean")
                }
            }
        }
    }
}
