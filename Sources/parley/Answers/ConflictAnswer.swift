/// One field with several values, none of whose authors had seen the others'.
package struct ConflictAnswer: Decodable, Sendable {
    struct Side: Decodable, Sendable {
        let value: JSONValue?
        let by: ForeignText
        let node: String
        let at: String
        let change: String
        let reason: ForeignText?
        /// Sequence number by origin: how much of the others' logs the author's node had applied.
        let seen: [String: Int]?
        /// Who put the value back after it had been settled.
        let reopened: Authorship?
    }

    let record: String
    let type: String
    let title: ForeignText?
    let field: String
    let values: [Side]
    /// What stood there as far as all sides knew.
    let base: [JSONValue]?

    /// Whether somebody edited what somebody else deleted.
    var isAboutState: Bool { field == "state" }

    /// Oldest first.
    var sides: [Side] {
        values.sorted { ($0.at, $0.change) < ($1.at, $1.change) }
    }

    /// Every origin this answer mentions, for names that stay unambiguous.
    var origins: Set<String> {
        var origins = Set(values.map { String($0.change.prefix { $0 != ":" }) })
        for side in values {
            origins.formUnion((side.seen ?? [:]).keys)
            if let change = side.reopened?.change {
                origins.insert(String(change.prefix { $0 != ":" }))
            }
        }
        return origins
    }
}

/// `conflict resolve` and `reopen`.
package struct ResolutionAnswer: Decodable, Sendable {
    let record: String
    let field: String
    let change: String
    /// What is still in conflict in the record.
    let conflicts: [String]?
}
