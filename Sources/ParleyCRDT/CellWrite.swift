/// What one change does to one cell of a record.
package struct CellWrite: Hashable, Sendable {
    /// Which cell. The operation names the kind, so that fields a schema doesn't know merge too.
    package enum Target: Hashable, Sendable {
        /// Live or deleted.
        case state
        case register(FieldName)
        /// One cell per element of an add-wins set.
        case element(FieldName, Value)
    }

    /// Which earlier writes to the same cell this one replaces.
    package enum Drops: Hashable, Sendable {
        /// Those its author had applied: an ordinary write.
        case covered
        /// Of those, only the `live` ones: the touch that follows from any edit, which must never
        /// bring back a record that somebody deleted.
        case coveredLive
        /// Of those its author had applied, exactly these, whatever else has been seen: a
        /// resolution. Naming a change it had not applied drops nothing, because whether that
        /// change is here yet would then decide.
        case named([Dot])
    }

    package let target: Target
    /// Almost always one; several reopen a settled conflict, none removes a set element.
    package let values: [Value]
    package let drops: Drops

    package init(target: Target, values: [Value], drops: Drops) {
        self.target = target
        self.values = values
        self.drops = drops
    }

    /// The touch of an edit.
    package static let touch = CellWrite(target: .state, values: [.live], drops: .coveredLive)

    /// Whether this write replaces `entry` of the same cell.
    ///
    /// - Parameter covers: whether this write's author had applied a given change.
    package func drops<Failure: Error>(
        _ entry: Cell.Entry, covers: (Dot) throws(Failure) -> Bool
    ) throws(Failure) -> Bool {
        #if DEBUG
            if PlantedDefect.removeWithoutContext.isPlanted, values.isEmpty { return true }
        #endif
        return switch drops {
        case .covered: try covers(entry.dot)
        case .coveredLive: entry.value == .live ? try covers(entry.dot) : false
        case .named(let dots): dots.contains(entry.dot) ? try covers(entry.dot) : false
        }
    }
}

/// One change's writes to one record, with what its author had seen.
package struct Edit: Hashable, Sendable {
    package let dot: Dot
    /// What the author had applied, its own predecessor included.
    package let context: Clock
    /// At most one write per target.
    package let writes: [CellWrite]

    package init(dot: Dot, context: Clock, writes: [CellWrite]) {
        self.dot = dot
        self.context = context
        self.writes = writes
    }
}
