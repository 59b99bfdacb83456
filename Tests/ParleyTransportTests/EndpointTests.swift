import Glibc
import NIOCore
import ParleyTransport
import Testing

@Suite struct EndpointTests {
    /// Commands come first: a peer can make these threads as busy as it likes.
    @Test func threadsThatServePeersStandBack() async throws {
        for loop in Endpoint.usualGroup.makeIterator() {
            let niceness = try await loop.submit {
                getpriority(.init(PRIO_PROCESS.rawValue), 0)
            }.get()
            #expect(niceness >= Endpoint.niceness)
        }
        #expect(
            getpriority(.init(PRIO_PROCESS.rawValue), 0) < Endpoint.niceness, "nothing else does")
    }
}
