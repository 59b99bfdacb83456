package import ParleyCRDT

/// Who is connected to a listener, against the caps.
package struct ConnectionCensus: Sendable {
    private enum Standing {
        case stranger(address: String)
        case member(NodeID)
    }

    private let limits: ConnectionLimits
    private var standings: [UInt64: Standing] = [:]
    private var strangers: [String: Int] = [:]
    private var members: [NodeID: Int] = [:]
    private var memberCount = 0
    private var lastNumber: UInt64 = 0

    package init(limits: ConnectionLimits) {
        self.limits = limits
    }

    /// Takes a connection on as that of a stranger, which everybody is before TLS is done.
    ///
    /// Where too many strangers are here already, one has to leave: the one that has stood there
    /// longest, of this address where it has its share, else of the address that has most. Members get
    /// through TLS within a moment; refusing them instead would let whoever connects and says nothing
    /// keep them out.
    ///
    /// - Returns: its number, and that of who has to leave, which isn't counted any more.
    package mutating func enter(from address: String) -> (number: UInt64, leaving: UInt64?) {
        var leaving: UInt64?
        if strangers[address, default: 0] >= limits.strangersPerAddress {
            leaving = longestStanding(of: address)
        } else if standings.count - memberCount >= limits.strangers {
            let fullest = strangers.max { ($0.value, $0.key) < ($1.value, $1.key) }
            leaving = fullest.flatMap { longestStanding(of: $0.key) }
        }
        if let leaving { leave(leaving) }
        strangers[address, default: 0] += 1
        lastNumber += 1
        standings[lastNumber] = .stranger(address: address)
        return (lastNumber, leaving)
    }

    private func longestStanding(of address: String) -> UInt64? {
        standings.lazy.filter { _, standing in
            if case .stranger(address) = standing { true } else { false }
        }.map(\.key).min()
    }

    /// The stranger has turned out to be a member.
    ///
    /// - Returns: `false`, and nothing changes, where too many members are here already.
    package mutating func admit(_ number: UInt64, as peer: NodeID) -> Bool {
        guard case .stranger(let address) = standings[number] else { return false }
        guard memberCount < limits.members,
            members[peer, default: 0] < limits.membersPerKey
        else { return false }
        release(&strangers[address])
        memberCount += 1
        members[peer, default: 0] += 1
        standings[number] = .member(peer)
        return true
    }

    /// The connection is closed.
    package mutating func leave(_ number: UInt64) {
        switch standings.removeValue(forKey: number) {
        case .stranger(let address):
            release(&strangers[address])
        case .member(let peer):
            memberCount -= 1
            release(&members[peer])
        case nil:
            break
        }
        checkInvariants()
    }

    /// The counts are those of the standings.
    package func checkInvariants() {
        assert(strangers.values.reduce(0, +) == standings.count - memberCount)
        assert(members.values.reduce(0, +) == memberCount)
    }

    /// Counts one down, and forgets a count of none.
    private func release(_ count: inout Int?) {
        guard let present = count else { return }
        count = present > 1 ? present - 1 : nil
    }
}
