package import ParleyCRDT

/// What an operation does, by the number it has on the wire. Numbers this version doesn't know are
/// kept: the group that holds one has no effect here and is interpreted by a later version.
package struct OperationKind: Hashable, Sendable, RawRepresentable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Writes a register; drops what the author had applied.
    package static let write = OperationKind(rawValue: 1)
    /// Settles a register in conflict, or reopens it; drops exactly the dots it names.
    package static let resolve = OperationKind(rawValue: 2)
    /// Adds each value as an element of a set.
    package static let add = OperationKind(rawValue: 3)
    /// Removes each value from a set, as far as the author had seen it there.
    package static let remove = OperationKind(rawValue: 4)
    /// Deletes or restores the record.
    package static let setState = OperationKind(rawValue: 5)
    /// Settles an edit against a delete; drops exactly the dots it names.
    package static let resolveState = OperationKind(rawValue: 6)

    package var isKnown: Bool { (1...6).contains(rawValue) }
    package var namesField: Bool { !(self == .setState || self == .resolveState) }
    package var namesDrops: Bool { self == .resolve || self == .resolveState }
}

/// A dot as it stands in a log: without the hash wherever the author's context makes it unambiguous.
package struct DotReference: Hashable, Sendable {
    package let origin: Origin
    package let sequence: UInt64
    /// Present beyond a fork of which the author knew several branches.
    package let hash: HashPrefix?

    package init(origin: Origin, sequence: UInt64, hash: HashPrefix? = nil) {
        self.origin = origin
        self.sequence = sequence
        self.hash = hash
    }

    /// The short form, for a log of which the author knows one branch.
    package init(_ dot: Dot) {
        self.init(origin: dot.origin, sequence: dot.sequence)
    }

    /// Whether this names `dot`, going by the hash only where one is given.
    package func names(_ dot: Dot) -> Bool {
        dot.origin == origin && dot.sequence == sequence && (hash == nil || hash == dot.hash)
    }
}

/// One step of a change on one field of one record.
package struct Operation: Hashable, Sendable {
    package let kind: OperationKind
    /// Whether each value has a salt of its own, so that it can be taken back alone.
    package let isSensitive: Bool
    /// `nil` for the record's state, which has no name.
    package let field: FieldName?
    /// One value, or for sets the elements, or several to reopen a conflict.
    package let values: [Value]
    /// The dots a resolution chooses among; empty for other kinds.
    package let drops: [DotReference]

    package init(
        _ kind: OperationKind, field: FieldName?, values: [Value], drops: [DotReference] = [],
        isSensitive: Bool = false
    ) {
        self.kind = kind
        self.field = field
        self.values = values
        self.drops = drops
        self.isSensitive = isSensitive
    }

    /// The cells this operation writes.
    ///
    /// - Parameter resolve: finds the changes a reference names, none where it isn't known; a
    ///   resolution of something already gone has nothing to drop there.
    /// - Returns: `nil` where this version doesn't know the operation, or where field and values
    ///   don't fit its kind: either way its group has no effect.
    package func writes(resolving resolve: (DotReference) -> [Dot]) -> [CellWrite]? {
        guard !values.isEmpty, values.allSatisfy(canWrite) else { return nil }
        return switch (kind, field) {
        case (.write, let field?):
            [CellWrite(target: .register(field), values: values, drops: .covered)]
        case (.resolve, let field?):
            [
                CellWrite(
                    target: .register(field), values: values, drops: .named(drops.flatMap(resolve)))
            ]
        case (.add, let field?):
            elements.map {
                CellWrite(target: .element(field, $0), values: [.present], drops: .covered)
            }
        case (.remove, let field?):
            elements.map { CellWrite(target: .element(field, $0), values: [], drops: .covered) }
        case (.setState, nil):
            [CellWrite(target: .state, values: values, drops: .covered)]
        case (.resolveState, nil):
            [CellWrite(target: .state, values: values, drops: .named(drops.flatMap(resolve)))]
        default:
            nil
        }
    }

    /// The values of a set operation. An erased one is no element any more: nobody could tell whether
    /// it is the same as another.
    private var elements: [Value] { values.filter { !$0.isErased } }

    /// Whether a value belongs into the cells this kind of operation writes.
    private func canWrite(_ value: Value) -> Bool {
        switch value {
        case .text, .erased: kind.namesField
        case .absent: kind == .write || kind == .resolve
        case .live, .deleted: !kind.namesField
        case .present: false
        }
    }
}
