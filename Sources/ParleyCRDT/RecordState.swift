/// A register: one value, or several that conflict.
package typealias Register = Cell

/// A set in which an add wins over a remove that had not seen it: one cell per element.
///
/// Source: Shapiro et al., "A comprehensive study of CRDTs" (2011), §3.3.5, observed-remove set;
/// with causal contexts in place of tombstones as in Almeida et al., "Delta State Replicated Data
/// Types" (2018), §7.
package struct AddWinsSet: Hashable, Sendable {
    package struct Element: Hashable, Sendable {
        package let value: Value
        package let cell: Cell
    }

    /// Sorted by value; only elements that are present.
    package private(set) var elements: [Element] = []

    package init() {}

    package var values: [Value] { elements.map(\.value) }

    package subscript(value: Value) -> Cell {
        get { elements.first { $0.value == value }?.cell ?? Cell() }
        set {
            elements.removeAll { $0.value == value }
            guard !newValue.isEmpty else { return }
            let position = elements.firstIndex { value < $0.value } ?? elements.count
            elements.insert(Element(value: value, cell: newValue), at: position)
        }
    }
}

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

    /// Applies one change's writes. The caller delivers in causal order, each change once.
    ///
    /// - Parameter covers: whether the change's author had applied a given change.
    package mutating func apply(_ writes: [CellWrite], dot: Dot, covers: (Dot) -> Bool) {
        for write in writes {
            var cell = self[write.target]
            cell.write(write.values, dot: dot) { write.drops($0, covers: covers) }
            self[write.target] = cell
        }
    }

    package mutating func apply(_ edit: Edit, in ancestry: some Ancestry) {
        apply(edit.writes, dot: edit.dot) { edit.context.covers($0, in: ancestry) }
    }

    /// What a set of edits means, whatever order they are given in: every write stands unless
    /// another one of the same cell drops it. This is the definition; `apply` must agree with it.
    ///
    /// - Complexity: O(n²) in the number of edits.
    package static func meaning(of edits: [Edit], in ancestry: some Ancestry) -> RecordState {
        var result = RecordState()
        for edit in edits {
            for write in edit.writes {
                let standing = write.values.map { Cell.Entry(dot: edit.dot, value: $0) }
                    .filter { entry in
                        !edits.contains { $0.drops(entry, of: write.target, ancestry) }
                    }
                result[write.target] = Cell(result[write.target].entries + standing)
            }
        }
        return result
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
    fileprivate func drops(
        _ entry: Cell.Entry, of target: CellWrite.Target, _ ancestry: some Ancestry
    ) -> Bool {
        entry.dot != dot
            && writes.contains { write in
                write.target == target
                    && write.drops(entry) { context.covers($0, in: ancestry) }
            }
    }
}
