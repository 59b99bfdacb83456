package import ParleyCRDT

/// What two peers say to each other, one message a frame.
///
/// Casebooks are named by their position in the *sender's* hello, so that a busy connection
/// doesn't repeat 32 bytes with every message.
/// Specification: Protocol/parley-1.md "Messages"
package enum Message: Hashable, Sendable {
    case hello(Hello)
    case clock(ClockPage)
    /// Asks for the whole clock: what we remember of it doesn't fit the digest.
    case clockRequest(casebook: Int)
    /// A batch, byte for byte as it is stored.
    case batch(casebook: Int, bytes: [UInt8])
    /// What of the receiver's changes is durable at the sender.
    case acknowledgement(casebook: Int, entries: [Clock.Entry])
    case locator(Locator)
    case want(Want)
    case addresses(casebook: Int, [PeerAddress])
    case ping(UInt64)
    /// Answers a ping with its number.
    case pong(UInt64)
    case close(Close)
    /// "You have now been sent all I had applied, up to the clock with this digest."
    case caughtUp(casebook: Int, digest: HashPrefix)
    case join(Join)
    case ticket(Ticket)
    /// Answers a join that was accepted.
    case welcome(Ticket)

    /// The tags of version 1. A tag is never given a second meaning.
    package enum Tag: UInt8, CaseIterable, Sendable {
        case hello = 0x01
        case clock = 0x02
        case clockRequest = 0x03
        case batch = 0x04
        case acknowledgement = 0x05
        case locator = 0x06
        case want = 0x07
        case addresses = 0x08
        case ping = 0x09
        case pong = 0x0a
        case close = 0x0b
        case caughtUp = 0x0c
        case join = 0x20
        case ticket = 0x21
        case welcome = 0x22
    }

    package var tag: Tag {
        switch self {
        case .hello: .hello
        case .clock: .clock
        case .clockRequest: .clockRequest
        case .batch: .batch
        case .acknowledgement: .acknowledgement
        case .locator: .locator
        case .want: .want
        case .addresses: .addresses
        case .ping: .ping
        case .pong: .pong
        case .close: .close
        case .caughtUp: .caughtUp
        case .join: .join
        case .ticket: .ticket
        case .welcome: .welcome
        }
    }
}
