/// How much of a list an answer holds, where a limit cut it short.
///
/// Travels beside the answer: a contract that promises an array has no place for it inside.
package struct ListPart: Codable, Hashable, Sendable {
    package let shown: Int
    /// How many there are in all, `nil` where counting them would take longer than the answer did.
    package let total: Int?

    package init(shown: Int, total: Int?) {
        self.shown = shown
        self.total = total
    }
}
