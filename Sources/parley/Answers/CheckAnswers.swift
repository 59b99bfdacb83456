/// One line of `verify` and `doctor`.
package struct CheckAnswer: Decodable, Sendable {
    let check: String
    /// The casebook it is about, where it is about one.
    let casebook: ForeignText?
    let ok: Bool
    let detail: ForeignText
    let next: ForeignText?
}

/// How far a `verify` has come.
struct VerifyProgressAnswer: Decodable, Sendable {
    let done: Int
    let total: Int
}
