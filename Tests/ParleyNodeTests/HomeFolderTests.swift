import Foundation
import Glibc
import NIOConcurrencyHelpers
import ParleyNode
import Testing

/// The folder a node lives in.
@Suite struct HomeFolderTests {
    /// Nobody else can look into it, not even between its making and the next call: another thread
    /// looks all the time.
    @Test func itIsPrivateFromTheFirstMoment() async throws {
        let homes = try Homes()
        let look = Look()
        let (ending, end) = AsyncStream.makeStream(of: Void.self)
        Thread.detachNewThread {
            while look.once() {}
            end.finish()
        }
        for number in 0..<200 {
            let home = homes["\(number)"]
            look.state.withLockedValue { $0.path = home.path }
            _ = try home.create(name: "amal")
        }
        look.state.withLockedValue { $0.isOver = true }
        for await _ in ending {}
        #expect(look.state.withLockedValue { $0.modes } == [0o700])
    }

    /// What somebody else sees of a folder.
    private final class Look: Sendable {
        let state = NIOLockedValueBox((path: "", modes: Set<UInt32>(), isOver: false))

        /// - Returns: whether to go on.
        func once() -> Bool {
            let (path, isOver) = state.withLockedValue { ($0.path, $0.isOver) }
            var status = stat()
            if lstat(path, &status) == 0 {
                _ = state.withLockedValue { $0.modes.insert(status.st_mode & 0o777) }
            }
            return !isOver
        }
    }

    /// Folders above it are made as usual.
    @Test func whatLiesAboveItIsMade() throws {
        let home = try Homes()["above/below/amal"]
        _ = try home.create(name: "amal")
        var status = stat()
        #expect(lstat(home.path, &status) == 0 && status.st_mode & 0o777 == 0o700)
    }
}
