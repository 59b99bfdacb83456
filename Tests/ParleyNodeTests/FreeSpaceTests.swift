import ParleyNode
import Testing

struct FreeSpaceTests {
    @Test(arguments: [(-1, false), (0, true), (1, true)])
    func intakeStopsBelow256MiB(excess: Int, allowed: Bool) {
        let space = FreeSpace(bytes: UInt64(256 << 20 + excess))
        #expect(space.allowsIntake == allowed)
        #expect(space.allowsEdits)
    }

    @Test(arguments: [(-1, false), (0, true), (1, true)])
    func editsStopBelow64MiB(excess: Int, allowed: Bool) {
        let space = FreeSpace(bytes: UInt64(64 << 20 + excess))
        #expect(space.allowsEdits == allowed)
        #expect(!space.allowsIntake)
    }

    @Test func theSystemIsAsked() {
        #expect(FreeSpace(at: "/").bytes > 0)
        #expect(FreeSpace(at: "/no such folder").bytes == .max)
    }
}
