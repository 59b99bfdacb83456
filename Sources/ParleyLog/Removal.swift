import ParleyCRDT
package import ParleyModel
package import ParleyWire

/// What an erasure or a redaction takes out of changes.
package struct Removal: Hashable, Sendable {
    /// A value within its change: the group, and the value's slot as for salts.
    package struct Place: Hashable, Sendable {
        package let group: Int
        package let slot: Int

        package init(group: Int, slot: Int) {
            self.group = group
            self.slot = slot
        }
    }

    /// Groups of which a stub stays, by their indexes.
    package var groups: Set<Int> = []
    /// Texts of sensitive operations of which the commitment stays.
    package var values: Set<Place> = []

    package init() {}

    package var isEmpty: Bool { groups.isEmpty && values.isEmpty }
}

extension Change {
    /// The same change without what is taken out; its hash stays what it is.
    ///
    /// - Throws: `saltMissing` where something was taken out before in another way.
    package func removing(_ removal: Removal, salts: ChangeSalts) throws(LogError) -> Change {
        guard !removal.isEmpty else { return self }
        var hasher = ChangeHasher()
        var groups: [Group] = []
        for (index, group) in self.groups.enumerated() {
            if removal.groups.contains(index) {
                let digest = try hasher.digest(of: group, index: index, in: self, salts: salts)
                groups.append(
                    Group(kind: group.kind, subject: group.subject, content: .stub(digest)))
            } else {
                groups.append(try removing(removal, from: group, index: index, salts: salts))
            }
        }
        return Change(
            origin: origin, sequence: sequence, time: time, contextDelta: contextDelta,
            groups: groups)
    }

    private func removing(
        _ removal: Removal, from group: Group, index: Int, salts: ChangeSalts
    ) throws(LogError) -> Group {
        guard removal.values.contains(where: { $0.group == index }),
            case .operations(let type, let operations) = group.content
        else { return group }
        var slot = 0
        var kept: [Operation] = []
        for operation in operations {
            var values: [Value] = []
            for value in operation.values {
                slot += 1
                let place = Removal.Place(group: index, slot: slot)
                guard removal.values.contains(place), operation.isSensitive,
                    case .text(let text) = value
                else {
                    values.append(value)
                    continue
                }
                guard let salt = salts.salt(sequence: sequence, group: index, slot: slot) else {
                    throw LogError(.saltMissing(sequence: sequence, group: index))
                }
                values.append(.erased(ChangeHasher.commitment(to: text, salt: salt)))
            }
            kept.append(
                Operation(
                    operation.kind, field: operation.field, values: values,
                    drops: operation.drops, isSensitive: operation.isSensitive))
        }
        return Group(
            kind: group.kind, subject: group.subject,
            content: .operations(type: type, kept))
    }

    /// The salts of all that is there, by place; `change` is their offset in a run.
    fileprivate func listedSalts(_ change: Int, from salts: ChangeSalts) -> [Salt] {
        groups.indices.flatMap { listedSalts(change, of: $0, from: salts) }
    }

    /// The same of one group.
    func listedSalts(_ change: Int, of group: Int, from salts: ChangeSalts) -> [Salt] {
        groups[group].saltedSlots.compactMap { slot in
            salts.salt(sequence: sequence, group: group, slot: slot).map {
                Salt(change: change, group: group, slot: slot, bytes: $0)
            }
        }
    }
}

extension Batch {
    /// The same changes without what is taken out of each, with the salts of what stays listed one
    /// by one: from a seed what was taken out could be guessed.
    ///
    /// - Parameter removals: by sequence number.
    package func removing(_ removals: [UInt64: Removal]) throws(LogError) -> Batch {
        var kept: [Change] = []
        var listed: [Salt] = []
        for (offset, (change, salts)) in zip(changes, changeSalts).enumerated() {
            let rest = try change.removing(removals[change.sequence] ?? Removal(), salts: salts)
            kept.append(rest)
            listed += rest.listedSalts(offset, from: salts)
        }
        return Batch(
            origin: origin, first: first, previous: previous, signature: signature,
            changes: kept, salts: [.explicit(changes: kept.count, listed)])
    }

    /// The seeds from which salts of it follow.
    package var seeds: [[UInt8]] {
        salts.compactMap { run in
            if case .seed(_, let seed) = run { seed } else { nil }
        }
    }
}
