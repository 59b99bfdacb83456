import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyStore
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
        let addresses = HeardAddresses.newest(addresses)
        heard.withLockedValue { heard in
            let all = (heard[casebook] ?? []).filter { !addresses.contains($0) } + addresses
            heard[casebook] = Array(all.suffix(HeardAddresses.limit))
        }
    }

    /// Of each node only as many as are kept of it, so that a message of hundreds isn't work for nothing.
    private static func newest(_ addresses: [PeerAddress]) -> [PeerAddress] {
        let kept = Dictionary(grouping: addresses, by: \.node).mapValues { all in
            all.sorted { $0.seenMilliseconds > $1.seenMilliseconds }
                .prefix(WriteScope.addressLimit)
        }
        return addresses.filter { kept[$0.node]?.contains($0) == true }
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
