import FoundationEssentials
import Glibc
import NIOPosix
import ParleyControl
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HomeLockTests {
    let home: TestHome

    init() throws {
        home = try TestHome()
    }

    @Test
    func aSecondHolderLearnsTheFirstOnesProcess() throws {
        let lock = try home.lock()
        guard case .held(let pid) = try HomeLock.tryAcquire(home: home.path) else {
            Issue.record("locked twice")
            return
        }
        #expect(pid == getpid())
        withExtendedLifetime(lock) {}
    }

    @Test
    func theLockIsFreeOnceLetGo() throws {
        _ = try home.lock()
        _ = try home.lock()
    }

    /// As a child has it that was started meanwhile and doesn't run its program yet.
    @Test
    func theLockIsFreeOnceLetGoThoughAnotherHasItsFile() throws {
        let lock = try home.lock()
        let own = try #require(
            (0..<1_024).first { number in
                let place = try? FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/self/fd/\(number)")
                return place == home.path + "/lock"
            })
        let another = dup(Int32(own))
        defer { close(another) }
        lock.release()
        _ = try home.lock()
    }

    @Test
    func waitingEndsWhenTheHolderLetsGo() async throws {
        var lock: HomeLock? = try home.lock()
        let path = home.path
        async let attempt = NIOThreadPool.singleton.runIfActive {
            try HomeLock.acquire(home: path, waiting: .seconds(30))
        }
        withExtendedLifetime(lock) {}
        lock = nil
        guard case .acquired = try await attempt else {
            Issue.record("still held")
            return
        }
    }

    @Test
    func waitingEndsWithItsPatience() throws {
        let lock = try home.lock()
        guard case .held = try HomeLock.acquire(home: home.path, waiting: .milliseconds(30)) else {
            Issue.record("locked twice")
            return
        }
        withExtendedLifetime(lock) {}
    }

    @Test
    func aSymbolicLinkIsNotFollowed() throws {
        try #require(symlink("/tmp/elsewhere", home.path + "/lock") == 0)
        #expect(throws: ControlError.system(call: "open", number: ELOOP)) {
            try HomeLock.tryAcquire(home: home.path)
        }
    }
}
