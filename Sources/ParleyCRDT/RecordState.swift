/// A register: one value, or several that conflict.
package typealias Register = Cell

/// The merged state of one record: a function of the set of edits that count.
package struct RecordState: Hashable, Sendable {
    package struct Field<Content: Hashable & Sendable>: Hashable, Sendable {
        package let name: FieldName
        package var content: Content
    }

    /// Live, deleted, or both where an edit and a delete had not seen each other.
    package var state = Cell()
    /// Sorted by name; never an empty cell.
    package private(set) var registers: [Field<Register>] = []
    /// Sorted by name; never an empty set.
    package private(set) var sets: [Field<AddWinsSet>] = []

    package init() {}

    /// The cell a write aims at; empty where nothing stands.
    package subscript(target: CellWrite.Target) -> Cell {
        get {
            switch target {
            case .state: state
            case .register(let name): registers.first { $0.name == name }?.content ?? Cell()
            case .element(let name, let value):
                sets.first { $0.name == name }?.content[value] ?? Cell()
            }
        }
        set {
            switch target {
            case .state: state = newValue
            case .register(let name):
                place(newValue.isEmpty ? nil : newValue, under: name, in: &registers)
            case .element(let name, let value):
                var set = sets.first { $0.name == name }?.content ?? AddWinsSet()
                set[value] = newValue
                place(set.elements.isEmpty ? nil : set, under: name, in: &sets)
            }
        }
    }

    /// Whether the record is listed: an edit that stands keeps it so, even against a delete.
    package var isLive: Bool { state.entries.contains { $0.value == .live } }

    /// The names of registers somebody has to choose for.
    package var conflictingFields: [FieldName] {
        registers.filter { $0.content.isConflict }.map(\.name)
    }

    /// Puts a whole set in place of what stands under a name.
    ///
    /// - Parameter elements: none twice.
    package mutating func setElements(_ elements: [AddWinsSet.Element], of name: FieldName) {
        var set = AddWinsSet()
        set.replace(elements)
        place(set.elements.isEmpty ? nil : set, under: name, in: &sets)
    }

    /// Applies one change's writes. The caller delivers in causal order, each change once.
    ///
    /// - Parameter covers: whether the change's author had applied a given change.
    /// - Complexity: O(n log n) in the number of writes and of elements in the sets they are about.
    package mutating func apply<Failure: Error>(
        _ writes: [CellWrite], dot: Dot, covers: (Dot) throws(Failure) -> Bool
    ) throws(Failure) {
        var elements: [FieldName: [AddWinsSet.Element]] = [:]
        for write in writes {
            var cell = self[write.target]
            try cell.write(write.values, dot: dot) { entry throws(Failure) in
                try write.drops(entry, covers: covers)
            }
            if case .element(let name, let value) = write.target {
                elements[name, default: []].append(AddWinsSet.Element(value: value, cell: cell))
            } else {
                self[write.target] = cell
            }
        }
        // Sets take all their elements at once: one by one would copy a long set for each.
        for (name, elements) in elements {
            var set = take(set: name)
            set.replace(elements)
            place(set.elements.isEmpty ? nil : set, under: name, in: &sets)
        }
    }

    /// A set out of this state, so that changing it doesn't copy it.
    private mutating func take(set name: FieldName) -> AddWinsSet {
        guard let index = sets.firstIndex(where: { $0.name == name }) else { return AddWinsSet() }
        return sets.remove(at: index).content
    }

    package mutating func apply<Logs: Ancestry>(
        _ edit: Edit, in ancestry: Logs
    ) throws(Logs.Failure) {
        try apply(edit.writes, dot: edit.dot) { dot throws(Logs.Failure) in
            try edit.context.covers(dot, in: ancestry)
        }
    }

    /// What a set of edits means, whatever order they are given in: every write stands unless
    /// another one of the same cell drops it. This is the definition; `apply` must agree with it.
    ///
    /// - Complexity: O(n²) in the number of edits.
    package static func meaning<Logs: Ancestry>(
        of edits: [Edit], in ancestry: Logs
    ) throws(Logs.Failure) -> RecordState {
        var result = RecordState()
        for edit in edits {
            for write in edit.writes {
                var standing: [Cell.Entry] = []
                for value in write.values {
                    let entry = Cell.Entry(dot: edit.dot, value: value)
                    if try !isDropped(entry, of: write.target, by: edits, ancestry) {
                        standing.append(entry)
                    }
                }
                result[write.target] = Cell(result[write.target].entries + standing)
            }
        }
        return result
    }

    private static func isDropped<Logs: Ancestry>(
        _ entry: Cell.Entry, of target: CellWrite.Target, by edits: [Edit], _ ancestry: Logs
    ) throws(Logs.Failure) -> Bool {
        for edit in edits where try edit.drops(entry, of: target, ancestry) { return true }
        return false
    }

    private func place<Content>(
        _ content: Content?, under name: FieldName, in fields: inout [Field<Content>]
    ) {
        let index = fields.firstIndex { $0.name >= name } ?? fields.count
        let exists = index < fields.count && fields[index].name == name
        switch (content, exists) {
        case (let content?, true): fields[index].content = content
        case (let content?, false): fields.insert(Field(name: name, content: content), at: index)
        case (nil, true): fields.remove(at: index)
        case (nil, false): break
        }
    }
}

extension Edit {
    /// Whether this edit replaces an entry of the given cell.
    fileprivate func drops<Logs: Ancestry>(
        _ entry: Cell.Entry, of target: CellWrite.Target, _ ancestry: Logs
    ) throws(Logs.Failure) -> Bool {
        guard entry.dot != dot else { return false }
        for write in writes where write.target == target {
            let drops = try write.drops(entry) { other throws(Logs.Failure) in
                try context.covers(other, in: ancestry)
            }
            if drops { return true }
        }
        return false
    }
}
