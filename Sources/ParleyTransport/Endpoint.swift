import Glibc
package import NIOCore
import NIOPosix
package import ParleyCRDT

/// What the connections of one node have in common.
package struct Endpoint: Sendable {
    /// The threads that serve peers.
    package static let usualGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton

    /// Weighs a third of what usual threads do.
    private static let niceness: Int32 = 5

    /// Lets the threads that serve peers take what processor others leave, for the rest of the process:
    /// on a small machine a flood of frames would keep the commands of its own people waiting.
    package static func standBack() async {
        for loop in usualGroup.makeIterator() {
            // On Linux a priority is a thread's, here the calling one's.
            let lowered = loop.submit { setpriority(.init(PRIO_PROCESS.rawValue), 0, niceness) }
            _ = try? await lowered.get()
        }
    }

    package let certificate: NodeCertificate
    package let group: any EventLoopGroup
    package let refusals: RefusalCounters
    package let limits: ConnectionLimits
    /// Whether a key is a member of any casebook here: asked once per connection, on an event loop,
    /// so it must answer from memory.
    package let isMember: @Sendable (NodeID) -> Bool
    /// Whether a key was a member and is none any more. Asked in the same way.
    package let isRevoked: @Sendable (NodeID) -> Bool

    package init(
        certificate: NodeCertificate,
        group: any EventLoopGroup = Endpoint.usualGroup,
        refusals: RefusalCounters,
        limits: ConnectionLimits = ConnectionLimits(),
        isMember: @escaping @Sendable (NodeID) -> Bool,
        isRevoked: @escaping @Sendable (NodeID) -> Bool = { _ in false }
    ) {
        self.certificate = certificate
        self.group = group
        self.refusals = refusals
        self.limits = limits
        self.isMember = isMember
        self.isRevoked = isRevoked
    }
}
