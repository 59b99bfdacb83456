/// What is going to happen, by time, and of the same moment in the order in which it was planned.
struct EventQueue {
    struct Event {
        let moment: UInt64
        let label: String
        let body: (World) async throws -> Void
    }

    /// The next one last.
    private var events: [Event] = []

    mutating func push(
        _ moment: UInt64, _ label: String, _ body: @escaping (World) async throws -> Void
    ) {
        var (low, high) = (0, events.count)
        while low < high {
            let middle = (low + high) / 2
            if events[middle].moment >= moment { low = middle + 1 } else { high = middle }
        }
        // Behind those of the same moment.
        while low > 0, events[low - 1].moment == moment { low -= 1 }
        events.insert(Event(moment: moment, label: label, body: body), at: low)
    }

    mutating func pop(until moment: UInt64) -> Event? {
        guard let next = events.last, next.moment <= moment else { return nil }
        return events.removeLast()
    }
}

/// What happened, as a number that two runs of one seed must have in common.
struct Trace {
    let isVerbose: Bool
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var count = 0

    init(isVerbose: Bool) {
        self.isVerbose = isVerbose
    }

    /// Source: Fowler, Noll and Vo, FNV-1a, 64 bits.
    mutating func note(_ text: String) {
        if isVerbose { print(text) }
        count += 1
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    }
}

/// Something that never may happen.
package struct Violation: Error, CustomStringConvertible, Sendable {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
