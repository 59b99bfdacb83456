import NIOConcurrencyHelpers
import ParleyCRDT

/// Addresses of members where another node answered last: somebody moved, and somebody else has the
/// address now. They are tried last, and not passed on.
package final class TakenAddresses: Sendable {
    private let addresses = NIOLockedValueBox<[NodeID: Set<String>]>([:])

    package init() {}

    /// Notes how a dial ended.
    func note(_ address: String, of peer: NodeID, isTaken: Bool) {
        addresses.withLockedValue { addresses in
            if isTaken {
                addresses[peer, default: []].insert(address)
            } else {
                addresses[peer]?.remove(address)
            }
        }
    }

    func contains(_ address: String, of peer: NodeID) -> Bool {
        addresses.withLockedValue { $0[peer]?.contains(address) ?? false }
    }

    /// The same addresses, those that are taken last and else as they were. What is no address of
    /// the peer any more is forgotten, so that no more is kept than the store keeps.
    func ordered(_ known: [String], of peer: NodeID) -> [String] {
        addresses.withLockedValue { addresses in
            let taken = (addresses[peer] ?? []).intersection(known)
            addresses[peer] = taken.isEmpty ? nil : taken
            return known.filter { !taken.contains($0) } + known.filter(taken.contains)
        }
    }
}
