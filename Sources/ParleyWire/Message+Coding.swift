import ParleyCRDT

extension Message {
    /// The tag and the payload, without the frame's length.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.u8(tag.rawValue)
        switch self {
        case .hello(let hello): hello.encode(into: &writer)
        case .clock(let page): page.encode(into: &writer)
        case .clockRequest(let casebook): writer.varint(casebook)
        case .batch(let casebook, let bytes):
            writer.varint(casebook)
            writer.raw(bytes)
        case .acknowledgement(let casebook, let entries):
            writer.varint(casebook)
            writer.clockEntries(entries)
        case .locator(let locator): locator.encode(into: &writer)
        case .want(let want): want.encode(into: &writer)
        case .addresses(let casebook, let addresses):
            writer.varint(casebook)
            writer.varint(addresses.count)
            for address in addresses { address.encode(into: &writer) }
        case .ping(let number), .pong(let number): writer.u64(number)
        case .close(let close): close.encode(into: &writer)
        case .caughtUp(let casebook, let digest):
            writer.varint(casebook)
            writer.prefix(digest)
        case .join(let join): join.encode(into: &writer)
        case .ticket(let ticket), .welcome(let ticket): writer.raw(ticket.encoded)
        }
        return writer.bytes
    }

    /// Reads one frame's message.
    ///
    /// - Returns: `nil` for a tag this version doesn't know, which the receiver skips.
    /// - Throws: offsets count from the start of the payload.
    package init?(tag: UInt8, payload: [UInt8]) throws(WireError) {
        guard let tag = Tag(rawValue: tag) else { return nil }
        var reader = ByteReader(payload)
        self = try Message.read(tag, from: &reader)
        try reader.finish()
    }

    private static func read(
        _ tag: Tag, from reader: inout ByteReader
    ) throws(WireError) -> Message {
        switch tag {
        case .hello: .hello(try Hello(from: &reader))
        case .clock: .clock(try ClockPage(from: &reader))
        case .clockRequest: .clockRequest(casebook: try reader.casebook())
        case .batch: .batch(casebook: try reader.casebook(), bytes: reader.rest())
        case .acknowledgement:
            .acknowledgement(
                casebook: try reader.casebook(), entries: try reader.clockEntries())
        case .locator: .locator(try Locator(from: &reader))
        case .want: .want(try Want(from: &reader))
        case .addresses: try readAddresses(from: &reader)
        case .ping: .ping(try reader.u64())
        case .pong: .pong(try reader.u64())
        case .close: .close(try Close(from: &reader))
        case .caughtUp: .caughtUp(casebook: try reader.casebook(), digest: try reader.prefix())
        case .join: .join(try Join(from: &reader))
        case .ticket: .ticket(try Ticket(from: &reader))
        case .welcome: .welcome(try Ticket(from: &reader))
        }
    }

    private static func readAddresses(
        from reader: inout ByteReader
    ) throws(WireError) -> Message {
        let casebook = try reader.casebook()
        let count = try reader.count(elementSize: NodeID.byteCount + 2)
        var addresses: [PeerAddress] = []
        addresses.reserveCapacity(count)
        for _ in 0..<count { addresses.append(try PeerAddress(from: &reader)) }
        return .addresses(casebook: casebook, addresses)
    }
}

extension ByteReader {
    /// Reads a position in the sender's hello.
    mutating func casebook() throws(WireError) -> Int {
        Int(try varint(in: 0...UInt64(Limits.casebooks - 1), .casebook))
    }
}
