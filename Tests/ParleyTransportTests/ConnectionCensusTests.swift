import ParleyCRDT
import ParleyTransport
import Testing

/// Each cap at the limit and one beyond it.
struct ConnectionCensusTests {
    private func node(_ number: UInt8) throws -> NodeID {
        try #require(NodeID(bytes: [UInt8](repeating: number, count: 32)))
    }

    /// Lets `count` connections knock and says how many were taken.
    private func taken(_ count: Int, from address: String, by census: inout ConnectionCensus) -> Int
    {
        (0..<count).count { _ in census.enter(from: address) != nil }
    }

    /// Lets one connection in as a member, or sends it away.
    private func admit(_ peer: NodeID, to census: inout ConnectionCensus) -> Bool {
        guard let number = census.enter(from: "10.0.0.1") else { return false }
        let isAdmitted = census.admit(number, as: peer)
        if !isAdmitted { census.leave(number) }
        return isAdmitted
    }

    @Test
    func sixtyFourStrangersAndNoMore() {
        var census = ConnectionCensus(limits: ConnectionLimits())
        let numbers = (0..<65).map { census.enter(from: "10.0.0.\($0)") }
        #expect(!numbers.dropLast().contains(nil) && numbers.last == .some(nil))
        if let first = numbers[0] { census.leave(first) }
        let more = taken(2, from: "10.0.1.1", by: &census)
        #expect(more == 1)
    }

    @Test
    func eightStrangersOfOneAddress() {
        var census = ConnectionCensus(limits: ConnectionLimits())
        let first = taken(9, from: "10.0.0.1", by: &census)
        let other = taken(9, from: "10.0.0.2", by: &census)
        #expect(first == 8 && other == 8)
    }

    @Test
    func fourConnectionsOfOneKey() throws {
        var census = ConnectionCensus(limits: ConnectionLimits())
        let (peer, other) = (try node(1), try node(2))
        let first = (0..<5).map { _ in admit(peer, to: &census) }
        #expect(first == [true, true, true, true, false])
        let isAdmitted = admit(other, to: &census)
        #expect(isAdmitted)
    }

    @Test
    func aThousandAndTwentyFourMembers() throws {
        var census = ConnectionCensus(limits: ConnectionLimits())
        let peers = try (0..<256).map { try node(UInt8($0)) }
        let count = peers.count { peer in (0..<4).allSatisfy { _ in admit(peer, to: &census) } }
        #expect(count == 256)
        let another = try #require(NodeID(bytes: (0..<32).map { UInt8($0) }))
        let isAdmitted = admit(another, to: &census)
        #expect(!isAdmitted)
    }

    /// However many come and go, nobody is counted twice or left behind.
    @Test
    func everyPlaceIsGivenBack() throws {
        var census = ConnectionCensus(limits: ConnectionLimits())
        let peer = try node(1)
        for round in 0..<1000 {
            guard let number = census.enter(from: "10.0.0.1") else {
                Issue.record("no place left in round \(round)")
                return
            }
            if round.isMultiple(of: 2) { _ = census.admit(number, as: peer) }
            census.leave(number)
            census.leave(number)
        }
        let count = taken(9, from: "10.0.0.1", by: &census)
        #expect(count == 8)
    }
}
