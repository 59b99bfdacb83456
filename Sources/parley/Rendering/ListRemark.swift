package import ParleyControl

/// What is said under a list that a limit cut short, on standard error: who reads the list itself
/// may be a program.
package enum ListRemark {
    package static func text(_ part: ListPart) -> String {
        guard let total = part.total else {
            return "the first \(part.shown) are shown, there are more; --limit 0 shows all\n"
        }
        return "\(part.shown) of \(total) shown; --limit 0 shows all\n"
    }
}
