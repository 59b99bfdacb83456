import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyWire

/// Addresses that members have passed on and that aren't noted yet, of whoever they are.
///
/// An address of a new member often arrives before the news of the admission does. It waits here
/// until then, because nobody passes it on twice.
final class HeardAddresses: Sendable {
    /// Beyond which the oldest go: most will be of nodes that never become members.
    private static let limit = 256

    private let heard = NIOLockedValueBox<[Digest: [PeerAddress]]>([:])

    func add(_ addresses: [PeerAddress], in casebook: Digest) {
        heard.withLockedValue { heard in
            let all = (heard[casebook] ?? []).filter { !addresses.contains($0) } + addresses
            heard[casebook] = Array(all.suffix(HeardAddresses.limit))
        }
    }

    /// Takes out those of members.
    func take(in casebook: Digest, of isMember: (NodeID) -> Bool) -> [PeerAddress] {
        heard.withLockedValue { heard in
            let all = heard[casebook] ?? []
            let rest = all.filter { !isMember($0.node) }
            heard[casebook] = rest.isEmpty ? nil : rest
            return all.filter { isMember($0.node) }
        }
    }
}
