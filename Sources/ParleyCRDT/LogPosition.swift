/// A place in one log: everything up to and including a sequence number, zero for nothing.
package struct LogPosition: Hashable, Sendable {
    package let origin: Origin
    package let sequence: UInt64

    package init(origin: Origin, sequence: UInt64) {
        self.origin = origin
        self.sequence = sequence
    }
}
