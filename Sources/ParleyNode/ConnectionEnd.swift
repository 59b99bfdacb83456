import ParleyTransport

/// Why connections end, for programs that show it to people.
package enum ConnectionEnd {
    /// What happened, as the end of a sentence.
    ///
    /// - Parameter name: as events and counts in JSON have it; one that isn't known here is returned
    ///   as it is.
    package static func words(for name: String) -> String {
        CloseReason(rawValue: name)?.words ?? name
    }
}
