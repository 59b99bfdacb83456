package import ParleyCRDT
package import ParleyWire

/// Why a run of somebody's log was refused. Each is the peer's or the author's fault: the session
/// that brought it is closed and nothing is stored.
package struct LogError: Error, Equatable, Sendable {
    package enum Code: Equatable, Sendable {
        /// The batch is no valid encoding.
        case malformed(WireError)
        /// The signature doesn't vouch for the chain these changes make: a byte was altered on the
        /// way, or the batch doesn't follow what it claims to follow.
        case wrongSignature
        /// The batch says it follows another change than the one it was offered after.
        case wrongPredecessor
        /// A value or group has no salt, so its digest can't be checked.
        case saltMissing(sequence: UInt64, group: Int)
        /// The first change of a casebook isn't the one its ID names.
        case wrongFounding
    }

    package let code: Code
    package let origin: Origin?

    package init(_ code: Code, origin: Origin? = nil) {
        self.code = code
        self.origin = origin
    }
}
