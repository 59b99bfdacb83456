import ParleyCRDT
import ParleyModel
import ParleyStore
import ParleyTransport

/// Tells sessions and watchers what a commit moved, each kind of change in its own way.
///
/// Called on the writer's thread, which the next commit waits for: what is told to nobody isn't
/// looked at.
enum CommitNews {
    /// Records named one by one after a commit; an import of thousands would only flood.
    private static let recordLimit = 20

    static func announce(
        _ notice: CommitNotice, of store: CasebookStore, on shelf: Shelf, to hub: Hub,
        _ events: EventBus
    ) {
        let own = store.origin
        for isLocal in [true, false] {
            let held = notice.held.filter { ($0.origin == own) == isLocal }
            let applied = notice.moved.filter { ($0.origin == own) == isLocal }
            guard !held.isEmpty || !applied.isEmpty else { continue }
            hub.moved(
                Movement(
                    casebook: store.casebookID, held: held, applied: applied, isLocal: isLocal),
                // The sessions of others are about to end: what revoked them isn't theirs to read.
                to: { shelf.isMember($0, of: store.casebookID) })
        }
        if events.isWatched { post(notice, of: store, to: events) }
    }

    private static func post(
        _ notice: CommitNotice, of store: CasebookStore, to events: EventBus
    ) {
        let casebook = ("casebook", JSONValue.string(store.casebookID.bytes.hex))
        for origin in notice.forks {
            events.post("forked", [casebook, ("origin", .string(origin.text))])
        }
        for (origin, milliseconds) in notice.leads {
            events.post(
                "clockAhead",
                [
                    casebook, ("node", .string(origin.node.text)),
                    ("seconds", .integer(milliseconds / 1000)),
                ])
        }
        var seen: Set<RecordID> = []
        let records = notice.records.filter { seen.insert($0).inserted }
        let isLocal = ("local", JSONValue.bool(notice.isLocal))
        for record in records.prefix(recordLimit) {
            events.post(
                "record", [casebook, ("record", .string(record.text)), isLocal],
                about: EventBus.Event.Subject(record: record, store: store))
        }
        let rest = records.count - recordLimit
        if rest > 0 { events.post("records", [casebook, ("count", .integer(rest)), isLocal]) }
    }
}
