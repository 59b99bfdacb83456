package import ParleyCRDT

/// Which record a group is about: the one whose creation is group `group` of that change.
package struct RecordReference: Hashable, Sendable {
    package let creation: DotReference
    /// Index of the creating group within its change.
    package let group: UInt32

    package init(creation: DotReference, group: UInt32) {
        self.creation = creation
        self.group = group
    }
}

/// What a group is, by the number it has on the wire; unknown numbers are kept raw.
package struct GroupKind: Hashable, Sendable, RawRepresentable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Operations on one record.
    package static let record = GroupKind(rawValue: 0)
    /// Why the author made the change; goes when any other group of the change is erased.
    package static let reason = GroupKind(rawValue: 1)
    /// Opens a casebook and names its first coordinator.
    package static let founding = GroupKind(rawValue: 2)
    /// Admits a node, or gives a member another role.
    package static let admission = GroupKind(rawValue: 3)
    /// Ends a member's logs at named tips.
    package static let cut = GroupKind(rawValue: 4)
    /// Erases a record everywhere.
    package static let erasure = GroupKind(rawValue: 5)
    /// Says that this node has carried out an erasure.
    package static let receipt = GroupKind(rawValue: 6)
    /// Takes the values of one sensitive field of a record back, everywhere.
    package static let redaction = GroupKind(rawValue: 7)
}

/// The part of a change that concerns one record, or one matter of the casebook itself.
package struct Group: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        /// The casebook: reasons and membership.
        case casebook
        /// A record that this group creates.
        case created
        indirect case existing(RecordReference)
    }

    package enum Content: Hashable, Sendable {
        /// `type` is present exactly where the group creates its record.
        case operations(type: FieldName?, [Operation])
        /// The bytes of a system group, or of a kind this version doesn't know.
        case payload([UInt8])
        /// What an erasure leaves: the digest that was hashed.
        indirect case stub(Digest)
    }

    package let kind: GroupKind
    package let subject: Subject
    package let content: Content

    package init(kind: GroupKind, subject: Subject, content: Content) {
        self.kind = kind
        self.subject = subject
        self.content = content
    }

    /// Whether its contents were taken back.
    package var isStub: Bool {
        if case .stub = content { true } else { false }
    }

    package static func reason(_ text: [UInt8]) -> Group {
        Group(kind: .reason, subject: .casebook, content: .payload(text))
    }

    package static func creation(type: FieldName, _ operations: [Operation]) -> Group {
        Group(kind: .record, subject: .created, content: .operations(type: type, operations))
    }

    package static func edit(of record: RecordReference, _ operations: [Operation]) -> Group {
        Group(
            kind: .record, subject: .existing(record), content: .operations(type: nil, operations))
    }

    /// How many salts its digest needs.
    package var saltCount: Int {
        switch content {
        case .stub: return 0
        case .payload: return 1
        case .operations(_, let operations):
            var count = 1
            for operation in operations where operation.isSensitive {
                for case .text in operation.values { count += 1 }
            }
            return count
        }
    }

    /// The slots of the salts that its digest needs: 0 for the group's own, then those of the
    /// values that have one. None for a stub.
    package var saltedSlots: [Int] {
        switch content {
        case .stub: return []
        case .payload: return [0]
        case .operations(_, let operations):
            var slots = [0]
            var slot = 0
            for operation in operations {
                for value in operation.values {
                    slot += 1
                    if operation.isSensitive, case .text = value { slots.append(slot) }
                }
            }
            return slots
        }
    }

    /// The writes this group means, the touch of an edit included.
    ///
    /// - Returns: `nil` where this version can't interpret the group: it then has no effect.
    package func writes(resolving resolve: (DotReference) -> [Dot]) -> [CellWrite]? {
        guard kind == .record, case .operations(_, let operations) = content else { return nil }
        var writes: [CellWrite] = []
        for operation in operations {
            guard let more = operation.writes(resolving: resolve) else { return nil }
            writes.append(contentsOf: more)
        }
        if !writes.contains(where: { $0.target == .state }) { writes.append(.touch) }
        return writes
    }
}

/// One atomic edit by one origin: groups of operations, each on one record.
package struct Change: Hashable, Sendable {
    package let origin: Origin
    /// Counts from 1 within the origin's log.
    package let sequence: UInt64
    package let time: HybridTime
    /// What the author's applied clock gained since its previous change, sorted by origin, its own
    /// origin left out.
    package let contextDelta: [Clock.Entry]
    package let groups: [Group]

    package init(
        origin: Origin, sequence: UInt64, time: HybridTime, contextDelta: [Clock.Entry],
        groups: [Group]
    ) {
        self.origin = origin
        self.sequence = sequence
        self.time = time
        self.contextDelta = contextDelta
        self.groups = groups
    }

    /// Why the author made it, where that was said and not erased.
    package var reason: [UInt8]? {
        for group in groups where group.kind == .reason {
            if case .payload(let text) = group.content { return text }
        }
        return nil
    }
}
