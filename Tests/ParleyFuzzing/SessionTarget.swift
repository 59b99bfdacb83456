import ParleySync
import ParleyWire

/// A live session takes whatever a peer, its store and the clock do to it, in any order.
///
/// An input is a script of events, see `SessionScript`. What must hold is checked after each by
/// `SessionWatch`; at the end everything that was asked of the store is answered, and time passes
/// until the session is over.
package struct SessionTarget: FuzzTarget {
    package static let name = "session"

    package init() {}

    /// Events of one script: enough to pass every bound of a session, few enough to stay fast.
    private static let eventLimit = 400

    package func run(_ input: [UInt8]) throws {
        var script = SessionScript(input)
        var watch = SessionWatch(script.side)
        try watch.start()
        for _ in 0..<SessionTarget.eventLimit {
            guard let event = script.next() else { break }
            try watch.perform(event)
        }
        try watch.answerAll()
        try watch.fallSilent()
    }
}
