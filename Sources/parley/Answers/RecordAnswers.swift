/// Who wrote something, where and when.
struct Authorship: Decodable, Equatable, Sendable {
    let by: ForeignText
    let node: String
    let at: String
    let change: String
}

/// `show RECORD`.
package struct RecordAnswer: Decodable, Sendable {
    let record: String
    let type: String
    let state: String
    let fields: [String: JSONValue]
    let conflicts: [ConflictMark]
    let changed: Authorship?
    /// Of an erased record: on what basis.
    let basis: ForeignText?
}

/// A field in conflict, named by a record's page; settled on a page of its own.
struct ConflictMark: Decodable, Sendable {
    let field: String

    init(from decoder: any Decoder) throws {
        if let name = try? decoder.singleValueContainer().decode(String.self) {
            field = name
        } else {
            field = try decoder.container(keyedBy: Keys.self).decode(String.self, forKey: .field)
        }
    }

    private enum Keys: CodingKey { case field }
}

/// One line of `list` or `find`.
package struct ListedRecord: Decodable, Sendable {
    let record: String
    let type: String
    let title: ForeignText?
    let state: String?
    let conflicts: [ConflictMark]?
    let match: ForeignText?

    var isInConflict: Bool { state == "conflict" || !(conflicts ?? []).isEmpty }
}

/// `new`, `edit`, `delete`, `restore`.
struct WrittenRecord: Decodable, Sendable {
    let record: String
    /// `nil` where an edit found everything as it should be.
    let change: String?
}

/// One change of `log`.
package struct LoggedChange: Decodable, Sendable {
    struct Operation: Decodable, Sendable {
        let record: String?
        let field: String?
        let op: String
        let value: JSONValue?
    }

    let change: String
    let by: ForeignText
    let node: String
    let at: String
    let because: ForeignText?
    /// Whether it doesn't count, because its author was revoked or given another role before.
    /// Whether it lies beyond a revocation, and whether its author's role didn't permit it.
    let void: Bool?
    let unauthorised: Bool?
    let operations: [Operation]
}

/// What an import did, in one answer per chunk and summed up at the end.
package struct ImportAnswer: Codable, Equatable, Sendable {
    package struct Refusal: Codable, Equatable, Sendable {
        package let line: Int
        package let error: String
    }

    package internal(set) var created = 0
    package internal(set) var changed = 0
    /// The record made last.
    package internal(set) var record: String?
    package internal(set) var refused: [Refusal] = []
    /// After a failure: the lines that aren't in, and those of which that isn't known, as `--lines`
    /// takes them.
    package internal(set) var missing: String?
    package internal(set) var unknown: String?
}
