/// What somebody is known to have of one log.
package struct PeerLog: Hashable, Sendable {
    package let origin: Origin
    /// Ends of what they have, sorted; some may be of branches or beyond what is held here.
    package let tips: [Tip]
    /// Whether the newest change that both share has been looked for: tips that aren't found here
    /// then say nothing any more.
    package let isLocated: Bool

    package init(origin: Origin, tips: [Tip], isLocated: Bool = false) {
        self.origin = origin
        self.tips = tips.sorted()
        self.isLocated = isLocated
    }
}
