import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTestSupport
import ParleyWire

/// What a member signs who has turned against the others.
extension World {
    /// A log of a hostile member with changes that no honest program writes, given to somebody.
    func signAnything(_ random: inout SeededGenerator) async throws {
        guard let member = machines.last(where: \.isHostile), let casebook = machines[0].store
        else { return }
        watch.mayFork(member)
        let author = LogAuthor(identity: member.identity, epoch: UInt64(1 + random.below(3)))
        let target = machines[random.below(machines.count)]
        guard target.condition == .running, !target.isHostile else { return }
        let (known, members) = (casebook.appliedClock, machines.map(\.node))
        var changes: [Change] = []
        for sequence in 1...UInt64(1 + random.below(4)) {
            changes.append(
                Change(
                    origin: author.origin, sequence: sequence,
                    time: HybridTime(
                        milliseconds: 1 + UInt64(random.below(4)) * 1_000_000_000_000 + sequence),
                    contextDelta: sequence == 1
                        ? context(known, by: author.origin, &random) : [],
                    groups: [group(about: members, &random)]))
        }
        let run = try? author.run(
            of: changes, casebook: casebook.casebookID, previous: .zero,
            seed: (0..<16).map { _ in UInt8(random.below(256)) })
        guard let run else { return }
        try await deliver([run.bytes], to: target)
    }

    /// A hostile member gives two who have the same a log each, which differ in what they say and not in
    /// where they end: only hashes tell that there is something to exchange.
    ///
    /// - Returns: whether there is such a member and whom to give them to.
    func forkUnseen() async throws -> Bool {
        let (honest, hostile) = (participants, machines.last(where: \.isHostile))
        guard let member = hostile, honest.count > 1, let store = honest[0].store else {
            return false
        }
        closeLines()
        watch.mayFork(member)
        let author = LogAuthor(identity: member.identity, epoch: 4)
        let known = store.appliedClock.entries.filter { $0.origin != author.origin }
        for (number, target) in [honest[0], honest[honest.count - 1]].enumerated() {
            let change = Change(
                origin: author.origin, sequence: 1, time: HybridTime(milliseconds: 1),
                contextDelta: known,
                groups: [
                    Group(
                        kind: GroupKind(rawValue: 99), subject: .casebook,
                        content: .payload([UInt8(number)]))
                ])
            let run = try? author.run(
                of: [change], casebook: store.casebookID, previous: .zero,
                seed: [UInt8](repeating: UInt8(number), count: 16))
            if let run { try await deliver([run.bytes], to: target) }
        }
        return true
    }

    /// What there is, or changes that nobody ever wrote.
    private func context(
        _ known: Clock, by origin: Origin, _ random: inout SeededGenerator
    ) -> [Clock.Entry] {
        var clock = Clock(known.entries.filter { $0.origin != origin })
        if random.chance(percent: 40), let entry = clock.entries.first {
            let hash = HashPrefix(UInt128(random.next()))
            clock.set(
                Clock.Entry(
                    origin: entry.origin,
                    tip: Tip(sequence: 1_000 + UInt64(random.below(9)), hash: hash)))
        }
        return clock.entries
    }

    private func group(about members: [NodeID], _ random: inout SeededGenerator) -> Group {
        let node = members[random.below(members.count)]
        switch random.below(5) {
        case 0:
            return Group(
                kind: .admission, subject: .casebook,
                content: .payload(Admission(node: node, role: .coordinator, name: "x").encoded))
        case 1:
            return Group(
                kind: .cut, subject: .casebook,
                content: .payload(Cut(node: node, accepted: []).encoded))
        case 2:
            return Group(
                kind: .record, subject: .created,
                content: .operations(
                    type: FieldName("exchange")!,
                    [
                        Operation(
                            .write, field: FieldName("place")!,
                            values: [.text([UInt8](repeating: 120, count: random.below(20_000)))])
                    ]))
        case 3:
            return Group(
                kind: GroupKind(rawValue: UInt8(random.below(256))), subject: .casebook,
                content: .payload([UInt8](repeating: 1, count: random.below(30))))
        default:
            return Group(
                kind: .record,
                subject: .existing(
                    RecordReference(
                        creation: DotReference(
                            origin: Origin(node: node, epoch: 1),
                            sequence: UInt64(1 + random.below(50))),
                        group: UInt32(random.below(3)))),
                content: .operations(
                    type: nil, [Operation(.setState, field: nil, values: [.deleted])]))
        }
    }
}
