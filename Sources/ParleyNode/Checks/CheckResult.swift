/// One line of `verify` or `doctor`: what was looked at, whether it is well, and what to do if not.
struct CheckResult: Sendable {
    /// What was looked at, in one word or two.
    let check: String
    /// The casebook it is about, `nil` for the node as a whole.
    let casebook: String?
    let isWell: Bool
    let detail: String
    /// A command or a step; `nil` where there is nothing to do.
    let next: String?

    static func well(
        _ check: String, in casebook: String? = nil, _ detail: String, next: String? = nil
    ) -> CheckResult {
        CheckResult(check: check, casebook: casebook, isWell: true, detail: detail, next: next)
    }

    static func wrong(
        _ check: String, in casebook: String? = nil, _ detail: String, next: String
    ) -> CheckResult {
        CheckResult(check: check, casebook: casebook, isWell: false, detail: detail, next: next)
    }

    /// `{"check","casebook","ok","detail","next"}`
    var json: JSONValue {
        .object([
            ("check", .string(check)), ("casebook", .optional(casebook)), ("ok", .bool(isWell)),
            ("detail", .string(detail)), ("next", .optional(next)),
        ])
    }
}
