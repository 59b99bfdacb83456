/// `erase RECORD`, `redact RECORD FIELD`.
package struct ErasedAnswer: Decodable, Sendable {
    struct Reference: Decodable, Sendable {
        let record: String
        let type: String
        let field: String
    }

    let record: String
    let field: String?
    let change: String
    /// As in `erase status`.
    let here: String?
    /// What still names an erased record.
    let references: [Reference]?
}

/// One line of `erase status`.
struct ErasureAnswer: Decodable, Sendable {
    let record: String
    let field: String?
    let basis: ForeignText
    let by: ForeignText?
    let at: String
    /// `unconfirmed`, `underway` or `done`, on this machine.
    let here: String
    let confirmed: [ForeignText]
    let outstanding: [ForeignText]
}

/// `erase confirm`.
struct ConfirmedErasures: Decodable, Sendable {
    let confirmed: Int
}
