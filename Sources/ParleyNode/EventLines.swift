import ParleyCRDT
package import ParleyControl
import ParleyModel
import ParleyStore

/// The answers to one `watch`, a line for each event as its reader asks for it.
///
/// What an event was about is looked up only then: nobody pays for what nobody reads, and a reader
/// that is slow costs the node its backlog and no more. What a reader missed is told in its place.
package struct EventLines: AsyncSequence, Sendable {
    let events: AsyncStream<EventBus.Event>
    /// The number of the first event that is due.
    let first: Int
    /// The only casebook that matters, with who is a member of it; `nil` for all.
    let only: CasebookStore?
    /// The open casebooks, to find people's names in.
    let stores: @Sendable () async -> [CasebookStore]

    package func makeAsyncIterator() -> Iterator {
        Iterator(events: events.makeAsyncIterator(), due: first, only: only, stores: stores)
    }

    package struct Iterator: AsyncIteratorProtocol {
        fileprivate var events: AsyncStream<EventBus.Event>.Iterator
        fileprivate var due: Int
        private let only: CasebookStore?
        fileprivate let stores: @Sendable () async -> [CasebookStore]
        /// What came after a gap, told once the gap has been.
        private var held: EventBus.Event?

        fileprivate init(
            events: AsyncStream<EventBus.Event>.Iterator, due: Int, only: CasebookStore?,
            stores: @escaping @Sendable () async -> [CasebookStore]
        ) {
            self.events = events
            self.due = due
            self.only = only
            self.stores = stores
        }

        package mutating func next() async -> Response? {
            while let event = await take() {
                if event.number > due {
                    let missed = event.number - due
                    (held, due) = (event, event.number)
                    return response("missed", at: event.time, [("count", .integer(missed))])
                }
                due = event.number + 1
                guard only.map(event.concerns) ?? true else { continue }
                let details = await event.record() + event.person(among: stores)
                return response(event.kind, at: event.time, event.members + details)
            }
            return nil
        }

        private mutating func take() async -> EventBus.Event? {
            guard let event = held else { return await events.next() }
            held = nil
            return event
        }

        private func response(
            _ kind: String, at time: UInt64, _ members: [(String, JSONValue)]
        ) -> Response {
            let at = Timestamp(milliseconds: time).text
            let heading = [("event", JSONValue.string(kind)), ("at", .string(at))]
            return Response(json: JSONText.object(heading + members), continues: true)
        }
    }
}

extension EventBus.Event {
    /// Whether it is about a casebook, or about a node that is a member of it; what names neither
    /// concerns everybody.
    fileprivate func concerns(_ store: CasebookStore) -> Bool {
        func member(_ name: String) -> String? {
            guard case .string(let text)? = members.first(where: { $0.0 == name })?.1 else {
                return nil
            }
            return text
        }
        if let casebook = member("casebook") { return casebook == store.casebookID.bytes.hex }
        guard let node = member("node") else { return true }
        return store.members.contains { $0.node.text == node }
    }

    /// `type`, `title`, `state`, fields in conflict and who changed it last, of an event about a
    /// record.
    fileprivate func record() async -> [(String, JSONValue)] {
        guard let subject else { return [] }
        let details = try? await subject.store.read { scope -> [(String, JSONValue)] in
            guard let record = try scope.record(subject.record) else { return [] }
            let author = try Authorship(
                of: record.changed, in: scope, names: MemberNames(in: scope))
            let state = RecordView.stateName(of: record.state)
            return [
                ("type", .string(record.type.text)), ("title", .string(record.document.title)),
                ("state", .string(state)),
                ("conflicts", .array(record.conflicts.map { .string($0.commandName) })),
                ("created", .bool(record.changed == record.created)),
            ] + author.members.filter { $0.0 != "at" }
        }
        return details ?? []
    }

    /// The `name` of the node an event is about.
    fileprivate func person(
        among stores: () async -> [CasebookStore]
    ) async -> [(String, JSONValue)] {
        guard case .string(let node)? = members.first(where: { $0.0 == "node" })?.1,
            let member = await stores().flatMap(\.members).first(where: { $0.node.text == node })
        else { return [] }
        return [("name", .string(member.name))]
    }
}
