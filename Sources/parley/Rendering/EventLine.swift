import ParleyNode

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
            let subject = "\(type) \(ShortNames.record(record))"
            return [
                "\(screen.paint(by, .title)) \(deed(in: parts)) \(subject)", part("title"),
                conflictMark(in: parts).map { screen.paint($0, .attention) },
            ].compactMap(\.self).joined(separator: "  ")
        case ("records", _, _, _):
            return part("count").map { "and \($0) more records in the same go" }
        case ("clockAhead", _, _, _):
            return name.map {
                "the clock of \(screen.paint($0, .title)) is ahead of this one's: see `parley status`"
            }
        case ("forked", _, _, _):
            return part("origin").map {
                "the log \($0) was written twice, as after its folder was copied: both are kept"
            }
        case ("twice", _, _, _):
            return name.map {
                "the node of \(screen.paint($0, .title)) runs on two machines at once: see `parley doctor`"
            }
        case ("connected", _, _, _):
            return name.map { "\(screen.paint($0, .title)) connected" }
        case ("disconnected", _, _, _):
            return name.map {
                "\(screen.paint($0, .title)) disconnected: "
                    + (part("reason").map(ConnectionEnd.words) ?? "no reason given")
            }
        case ("missed", _, _, _):
            return part("count").map {
                "\($0) events left out: they came faster than this was read"
            }
        default: return nil
        }
    }

    private static func deed(in parts: [String: JSONValue]) -> String {
        if parts["state"]?.line == "deleted" { return "deleted" }
        return parts["created"] == .bool(true) ? "created" : "changed"
    }

    /// `CONFLICT over place, date`: what somebody has to choose in the record.
    private static func conflictMark(in parts: [String: JSONValue]) -> String? {
        if case .list(let fields)? = parts["conflicts"], !fields.isEmpty {
            return "CONFLICT over \(fields.map(\.line).joined(separator: ", "))"
        }
        return parts["state"]?.line == "conflict" ? "CONFLICT over state" : nil
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
