/// One event of `watch` on one line, whatever kind it is: newer nodes may tell of more.
package enum EventLine {
    package static func text(_ event: JSONValue, on screen: Screen) -> String {
        guard case .object(var parts) = event else { return event.line + "\n" }
        let time = parts.removeValue(forKey: "at")?.line
        let clock = time.flatMap { LocalTime($0)?.clock }
        let line = sentence(parts, on: screen) ?? list(of: parts, on: screen)
        return [clock, line].compactMap(\.self).joined(separator: "  ") + "\n"
    }

    /// `amal changed exchange 3f9a01c2  Sweida exchange`: what happened, in words.
    ///
    /// - Returns: `nil` for an event of a kind that isn't known here, or that says too little.
    private static func sentence(_ parts: [String: JSONValue], on screen: Screen) -> String? {
        func part(_ name: String) -> String? {
            parts[name].flatMap { $0.line.isEmpty ? nil : $0.line }
        }
        let name = part("name") ?? part("node").map(ShortNames.node)
        switch (part("event"), part("by"), part("record"), part("type")) {
        case ("record", let by?, let record?, let type?):
            let state = part("state") ?? "live"
            let deed = state == "deleted" ? "deleted" : "changed"
            let subject = "\(type) \(ShortNames.record(record))"
            let mark = state == "conflict" ? screen.paint("in conflict", .attention) : nil
            return [
                "\(screen.paint(by, .title)) \(deed) \(subject)", part("title"), mark,
            ].compactMap(\.self).joined(separator: "  ")
        case ("connected", _, _, _):
            return name.map { "\(screen.paint($0, .title)) connected" }
        case ("disconnected", _, _, _):
            return name.map {
                "\(screen.paint($0, .title)) disconnected: \(part("reason") ?? "no reason given")"
            }
        case ("missed", _, _, _):
            return part("count").map {
                "\($0) events left out: they came faster than this was read"
            }
        default: return nil
        }
    }

    /// The kind first, the rest by name.
    private static func list(of event: [String: JSONValue], on screen: Screen) -> String {
        var parts = event
        let kind = parts.removeValue(forKey: "event")?.line ?? "event"
        let rest = parts.sorted { $0.key < $1.key }.map { name, value in
            screen.paint(PrintableText.line(name), .faint) + " " + shortened(name, value.line)
        }
        return ([screen.paint(kind, .title)] + rest).joined(separator: "  ")
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
