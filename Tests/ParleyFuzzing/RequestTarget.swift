import ParleyControl

/// What a command line asks arrives as it was meant, in whatever pieces, or is refused.
///
/// An input is the size of the pieces, then frames, or the JSON of one request where that is 0.
package struct RequestTarget: FuzzTarget {
    package static let name = "request"

    package init() {}

    package func run(_ input: [UInt8]) throws {
        var source = ByteSource(input)
        let piece = source.below(64)
        let stream = source.rest()
        guard piece > 0 else {
            try check(stream)
            return
        }
        let whole = read(stream, in: max(stream.count, 1))
        let pieced = read(stream, in: piece)
        try expect(whole.frames == pieced.frames, "frames don't depend on how they arrive")
        try expect(whole.error == pieced.error, "errors don't depend on how bytes arrive")
        for json in whole.frames.prefix(4) { try check(json) }
    }

    private func read(
        _ stream: [UInt8], in piece: Int
    ) -> (frames: [[UInt8]], error: ControlError?) {
        var decoder = ControlFrameDecoder(limit: ControlFrame.requestBytes)
        var frames: [[UInt8]] = []
        var rest = stream[...]
        while !rest.isEmpty {
            decoder.append(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            do {
                while let frame = try decoder.next() { frames.append(frame) }
            } catch {
                return (frames, error)
            }
        }
        return (frames, nil)
    }

    private func check(_ json: [UInt8]) throws {
        guard let envelope = try? ControlFrame.decode(Envelope.self, from: json) else { return }
        // A byte may take six in JSON, so what is barely small enough may not be any more.
        guard
            let frame = try? ControlFrame.encode(envelope, limit: ControlFrame.requestBytes)
        else {
            try expect(json.count * 6 > ControlFrame.requestBytes, "what was read can be written")
            return
        }
        let again = try? ControlFrame.decode(Envelope.self, from: frame.dropFirst(4))
        try expect(again == envelope, "a request comes back as it was")
    }
}
