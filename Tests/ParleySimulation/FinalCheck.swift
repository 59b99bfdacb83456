import ParleyCRDT
import ParleyModel
import ParleyStore

/// What must hold once everybody has met everybody.
struct FinalCheck {
    let world: World

    init(_ world: World) {
        self.world = world
    }

    func run() async throws {
        let machines = world.participants
        guard let store = machines.first?.store else { throw Violation("nobody is left") }
        let digest = try await store.read { try $0.summary().digest }
        world.trace.note("digest \(digest.bytes[0]) \(digest.bytes[1])")
        for machine in machines { try await check(machine, against: store, digest) }
        try await checkAcknowledged(in: store, by: machines)
        let isPlain =
            try await store.read { try $0.forks().isEmpty } && !world.watch.isGoverned
            && world.plan.hostile == 0
        if isPlain { try await Meaning(of: store).check(store) }
    }

    private func check(
        _ machine: Machine, against other: CasebookStore, _ digest: Digest
    ) async throws {
        let store = machine.store!
        func require(_ isTrue: Bool, _ what: String) throws {
            guard !isTrue else { return }
            throw Violation("machine \(machine.index), in the end: \(what)")
        }
        let own = try await store.read { scope in
            (try scope.summary().digest, try scope.recomputedDigest())
        }
        try require(own.0 == digest, "its records aren't those of the others")
        try require(own.1 == digest, "its digest isn't that of its records")
        try require(
            Set(store.members) == Set(other.members), "its members aren't those of the others")
        let findings = try await store.audit().findings
        try require(findings.isEmpty, "\(findings)")
        try require(try await store.damage(by: .indexes).isEmpty, "the file is damaged")
    }

    /// What somebody was told is written is there, as far as its author still belongs.
    private func checkAcknowledged(
        in store: CasebookStore, by machines: [Machine]
    ) async throws {
        // What only a rotten disk had may be gone with it; and what somebody alone had after its author
        // went back, where that one was shut out since.
        let present = Set(machines.map(\.index)).subtracting(world.watch.rotten)
            .subtracting(world.watch.isGoverned ? world.watch.restored : [])
        for (dot, author) in world.watch.acknowledged where present.contains(author) {
            let isThere = try await store.read { try $0.loggedChange(dot) != nil }
            guard isThere else {
                throw Violation("an acknowledged edit of machine \(author) is gone")
            }
        }
    }
}
