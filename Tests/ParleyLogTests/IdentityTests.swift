import ParleyCRDT
import ParleyLog
import Testing

@Suite struct IdentityTests {
    @Test(arguments: [0, 31, 33, 64])
    func onlyThirtyTwoBytesAreAKey(count: Int) {
        #expect(Identity(privateKey: [UInt8](repeating: 7, count: count)) == nil)
    }

    @Test func aKeyComesBackFromItsBytes() throws {
        let identity = Identity.generate()
        let again = try #require(Identity(privateKey: identity.privateKey))
        #expect(again.node == identity.node)
        #expect(identity.node.verifies(again.sign([1, 2, 3]), over: [1, 2, 3]))
        #expect(!identity.node.verifies(again.sign([1, 2, 3]), over: [1, 2]))
        #expect(!identity.isLocked)
    }

    /// A node ID that is no point of the curve vouches for nothing.
    @Test func whatIsNoKeyVerifiesNothing() throws {
        let bytes = [UInt8](repeating: 0xff, count: NodeID.byteCount)
        let node = try #require(NodeID(bytes: bytes))
        #expect(!node.verifies([UInt8](repeating: 1, count: 64), over: []))
        #expect(!Identity.generate().node.verifies([1, 2, 3], over: []))
    }

    /// Rather no signature than one of nobody.
    @Test func aLockedKeySignsNothing() async {
        await #expect(processExitsWith: .failure) {
            let locked = Identity(locked: Identity.generate().node)
            _ = locked.sign([1])
        }
        let locked = Identity(locked: Identity.generate().node)
        #expect(locked.isLocked)
    }
}
