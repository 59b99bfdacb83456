/// A number with its noun, for sentences.
package enum Amount {
    /// `1 conflict`, `2 conflicts`.
    ///
    /// - Parameter plural: where an `s` won't do.
    package static func text(_ count: Int, _ noun: String, plural: String? = nil) -> String {
        "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
    }
}
