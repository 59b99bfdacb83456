import ParleyWire
import Testing

@Suite struct FrameTests {
    /// However a stream is cut, the same frames come out.
    @Test(arguments: 1...7)
    func framesComeOutOfAnySplit(pieceSize: Int) throws {
        let messages: [Message] = [.ping(1), .clockRequest(casebook: 2), .pong(3)]
        let stream = messages.flatMap { Frame.encode($0) }
        var decoder = FrameDecoder()
        var received: [Message] = []
        for start in stride(from: 0, to: stream.count, by: pieceSize) {
            decoder.append(stream[start..<min(start + pieceSize, stream.count)])
            while let frame = try decoder.next() {
                received.append(try #require(try Message(tag: frame.tag, payload: frame.payload)))
            }
        }
        #expect(received == messages)
        #expect(decoder.pendingByteCount == 0)
    }

    @Test func refusesALongFrameBeforeHoldingIt() throws {
        for (length, limit) in [
            (1023, Limits.unauthenticatedFrameBytes), (1024, Limits.unauthenticatedFrameBytes),
        ] {
            var decoder = FrameDecoder(limit: limit)
            decoder.append(Frame(tag: 9, payload: Array(repeating: 0, count: length - 1)).encoded)
            #expect(try decoder.next()?.payload.count == length - 1)
        }
        var decoder = FrameDecoder(limit: Limits.unauthenticatedFrameBytes)
        decoder.append([0, 0, 4, 1])
        #expect(throws: WireError(.frameTooLarge(bytes: 1025, limit: 1024), offset: 0)) {
            try decoder.next()
        }
    }

    @Test func raisedLimitLetsTheSameFrameThrough() throws {
        var decoder = FrameDecoder(limit: Limits.unauthenticatedFrameBytes)
        decoder.limit = Limits.frameBytes
        let payload = [UInt8](repeating: 7, count: Limits.frameBytes - 1)
        decoder.append(Frame(tag: 4, payload: payload).encoded)
        #expect(try decoder.next()?.payload == payload)
    }

    @Test func unknownTagIsNoError() throws {
        #expect(try Message(tag: 0x7f, payload: [1, 2, 3]) == nil)
    }

    @Test func closeTextIsCutAtACharacter() {
        let close = Close(.malformed, text: String(repeating: "é", count: 150))
        #expect(close.text.utf8.count == Limits.closeTextBytes)
        #expect(Close(.malformed, text: "x" + close.text).text.utf8.count == 199)
    }
}
