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
    /// Between two times that some are noted in a casebook: members that send them without end cost
    /// the store, and whoever dials them, no more than that.
    private static let rest = Duration.seconds(1)

    /// When those of a casebook are noted.
    enum Turn: Equatable {
        case now
        /// The caller waits so long and then calls `takeTurn`.
        case after(Duration)
        /// By somebody who waits already.
        case byAnother
    }

    private struct Schedule {
        var next: Duration
        var isAwaited = false
    }

    private let heard = NIOLockedValueBox<[Digest: [PeerAddress]]>([:])
    private let schedules = NIOLockedValueBox<[Digest: Schedule]>([:])

    func add(_ addresses: [PeerAddress], in casebook: Digest) {
        let addresses = HeardAddresses.newest(addresses)
        heard.withLockedValue { heard in
            let all = (heard[casebook] ?? []).filter { !addresses.contains($0) } + addresses
            heard[casebook] = Array(all.suffix(HeardAddresses.limit))
        }
    }

    /// Whose turn it is to note what was added, at a time of the node's clock.
    func turn(in casebook: Digest, at now: Duration) -> Turn {
        schedules.withLockedValue { schedules in
            guard let schedule = schedules[casebook], now < schedule.next else {
                schedules[casebook] = Schedule(next: now + HeardAddresses.rest)
                return .now
            }
            guard !schedule.isAwaited else { return .byAnother }
            schedules[casebook]?.isAwaited = true
            return .after(schedule.next - now)
        }
    }

    /// The wait for a turn is over.
    func takeTurn(in casebook: Digest, at now: Duration) {
        schedules.withLockedValue { $0[casebook] = Schedule(next: now + HeardAddresses.rest) }
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
