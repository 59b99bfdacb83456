/// One message on a connection: a length of four bytes, a tag, a payload.
///
/// Specification: Protocol/parley-1.md "Frames"
package struct Frame: Hashable, Sendable {
    package static let lengthBytes = 4

    package let tag: UInt8
    package let payload: [UInt8]

    package init(tag: UInt8, payload: [UInt8]) {
        self.tag = tag
        self.payload = payload
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter(capacity: Frame.lengthBytes + 1 + payload.count)
        writer.u32(UInt32(payload.count + 1))
        writer.u8(tag)
        writer.raw(payload)
        return writer.bytes
    }

    /// Puts the length before a message's tag and payload.
    package static func encode(_ message: Message) -> [UInt8] {
        let content = message.encoded()
        var writer = ByteWriter(capacity: Frame.lengthBytes + content.count)
        writer.u32(UInt32(content.count))
        writer.raw(content)
        return writer.bytes
    }
}

/// Cuts a stream of bytes into frames, in whatever pieces it arrives.
package struct FrameDecoder: Sendable {
    /// The most bytes of tag and payload; raised once the peer is known.
    package var limit: Int
    private var buffer: [UInt8] = []
    private var start = 0

    package init(limit: Int = Limits.frameBytes) {
        self.limit = limit
    }

    /// Bytes held that don't make a frame yet.
    package var pendingByteCount: Int { buffer.count - start }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// Removes and returns the next complete frame.
    ///
    /// - Returns: `nil` until more bytes arrive.
    /// - Throws: `frameTooLarge` as soon as the length is known, `frameEmpty` for length 0.
    /// - Complexity: O(payload).
    /// - Specification: Protocol/parley-1.md "Frames"
    package mutating func next() throws(WireError) -> (tag: UInt8, payload: [UInt8])? {
        guard pendingByteCount >= Frame.lengthBytes else { return nil }
        var reader = ByteReader(buffer, range: start..<buffer.count)
        let length = Int(try reader.u32())
        guard length > 0 else { throw WireError(.frameEmpty, offset: 0) }
        guard length <= limit else {
            throw WireError(.frameTooLarge(bytes: length, limit: limit), offset: 0)
        }
        guard reader.remaining >= length else { return nil }
        let tag = try reader.u8()
        let payload = try reader.raw(length - 1)
        start = reader.offset
        return (tag, payload)
    }
}
