import ParleyWire

/// Frames are the same however the bytes that carry them arrive.
///
/// An input is the size of the pieces, then the stream.
package struct FrameTarget: FuzzTarget {
    package static let name = "frame"

    package init() {}

    package func run(_ input: [UInt8]) throws {
        var source = ByteSource(input)
        let limit = source.flag() ? Limits.unauthenticatedFrameBytes : Limits.frameBytes
        let pieces = [source.below(255) + 1, source.below(255) + 1]
        let stream = source.rest()
        let whole = try read(stream, in: [max(stream.count, 1)], limit)
        let pieced = try read(stream, in: pieces, limit)
        try expect(whole.frames == pieced.frames, "frames don't depend on how they arrive")
        try expect(whole.error == pieced.error, "errors don't depend on how bytes arrive")
        let encoded = whole.frames.flatMap(\.encoded)
        try expect(stream.starts(with: encoded), "frames are written as they were read")
        guard whole.error == nil else { return }
        try expect(
            encoded.count + whole.pending == stream.count, "no byte is lost between frames")
    }

    private func read(
        _ stream: [UInt8], in pieces: [Int], _ limit: Int
    ) throws -> (frames: [Frame], error: WireError.Code?, pending: Int) {
        var decoder = FrameDecoder(limit: limit)
        var frames: [Frame] = []
        var rest = stream[...]
        var number = 0
        while !rest.isEmpty {
            decoder.append(rest.prefix(pieces[number % pieces.count]))
            rest = rest.dropFirst(pieces[number % pieces.count])
            number += 1
            do {
                while let frame = try decoder.next() {
                    frames.append(Frame(tag: frame.tag, payload: frame.payload))
                }
            } catch {
                return (frames, error.code, 0)
            }
            try expect(
                decoder.pendingByteCount < limit + Frame.lengthBytes,
                "no more than a frame is held")
        }
        return (frames, nil, decoder.pendingByteCount)
    }
}
