/// One event of `watch` on one line, whatever kind it is: newer nodes may tell of more.
package enum EventLine {
    /// `10:42  change  by amal  change a1b2:42 ...`: time and kind first, the rest by name.
    package static func text(_ event: JSONValue, on screen: Screen) -> String {
        guard case .object(var parts) = event else { return event.line + "\n" }
        let time = parts.removeValue(forKey: "at")?.line
        let kind = parts.removeValue(forKey: "event")?.line ?? "event"
        let rest = parts.sorted { $0.key < $1.key }.map { name, value in
            screen.paint(name, .faint) + " " + shortened(name, value.line)
        }
        let clock = time.flatMap { LocalTime($0)?.clock }
        let beginning = [clock, screen.paint(kind, .title)].compactMap(\.self)
        return (beginning + rest).joined(separator: "  ") + "\n"
    }

    private static func shortened(_ name: String, _ value: String) -> String {
        switch name {
        case "record", "casebook": ShortNames.record(value)
        case "node": ShortNames.node(value)
        case "change": ShortNames.change(value, among: [])
        default: value
        }
    }
}
