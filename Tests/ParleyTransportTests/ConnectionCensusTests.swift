import ParleyCRDT
import ParleyTransport
import Testing

/// Each cap at the limit and one beyond it.
struct ConnectionCensusTests {
    private func node(_ number: UInt8) throws -> NodeID {
        try #require(NodeID(bytes: [UInt8](repeating: number, count: 32)))
    }

    /// Lets `count` connections knock and says how many came in without another's leaving.
    private func taken(_ count: Int, from address: String, by census: inout ConnectionCensus) -> Int
    {
        (0..<count).count { _ in census.enter(from: address).leaving == nil }
    }

    /// Lets one connection in as a member, or sends it away.
    private func admit(_ peer: NodeID, to census: inout ConnectionCensus) -> Bool {
        let number = census.enter(from: "10.0.0.1").number
        let isAdmitted = census.admit(number, as: peer)
        if !isAdmitted { census.leave(number) }
        return isAdmitted
    }

    @Test
    func sixtyFourStrangersAndNoMore() {
        var census = ConnectionCensus(limits: ConnectionLimits())
        let entered = (0..<65).map { census.enter(from: "10.0.0.\($0)") }
        #expect(entered.dropLast().allSatisfy { $0.leaving == nil })
        #expect(entered.last?.leaving != nil)
        census.leave(entered[64].number)
        let more = taken(2, from: "10.0.1.1", by: &census)
        #expect(more == 1)
    }

    /// Who knocks most and says nothing makes room, the connection that has stood there longest first.
    @Test
    func whoComesFromElsewhereGetsIn() {
        var census = ConnectionCensus(limits: ConnectionLimits())
        let crowd = (0..<64).map { census.enter(from: "10.0.0.\($0 / 8)") }
        #expect(crowd.allSatisfy { $0.leaving == nil })
        let late = (0..<3).map { _ in census.enter(from: "10.0.1.1") }
        let leaving = late.compactMap(\.leaving)
        #expect(leaving.count == 3 && Set(leaving).isSubset(of: crowd.map(\.number)))
        // Each of another address than the one before, because that has fewer then.
        #expect(Set(leaving.map { ($0 - 1) / 8 }).count == 3)
        #expect(leaving.allSatisfy { ($0 - 1).isMultiple(of: 8) })
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
            let (number, leaving) = census.enter(from: "10.0.0.1")
            #expect(leaving == nil, "no place left in round \(round)")
            if round.isMultiple(of: 2) { _ = census.admit(number, as: peer) }
            census.leave(number)
            census.leave(number)
        }
        let count = taken(9, from: "10.0.0.1", by: &census)
        #expect(count == 8)
    }
}
