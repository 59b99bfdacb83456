import CZlib
import ParleyCRDT

/// Inflates a batch's columns, into exactly as many bytes as were announced and never more.
struct Inflater: ~Copyable {
    private let stream: UnsafeMutablePointer<z_stream>

    init(dictionary: [UInt8]) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = inflateInit2_(
            stream, Deflater.rawWindowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib refused its own version or had no memory")
        if !dictionary.isEmpty {
            let status = inflateSetDictionary(stream, dictionary, UInt32(dictionary.count))
            precondition(status == Z_OK, "a raw stream takes its dictionary at any time")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Inflates what follows `offset` in `source`.
    ///
    /// - Parameter byteCount: what the stream must inflate to; the caller has bounded it.
    /// - Throws: `deflateMalformed` if the stream is damaged, makes more or fewer bytes, or ends
    ///   before the source does.
    mutating func finish(
        _ source: [UInt8], from offset: Int, byteCount: Int
    ) throws(WireError) -> [UInt8] {
        var isComplete = false
        var room = byteCount
        #if DEBUG
            if PlantedDefect.inflatedWithoutBound.isPlanted { room = 1 << 30 }
        #endif
        let result = [UInt8](unsafeUninitializedCapacity: max(room, 1)) { output, count in
            // Safe: source and output outlive the call, and zlib keeps to the sizes given.
            source.withUnsafeBufferPointer { input in
                guard let base = input.baseAddress else { return }
                stream.pointee.next_in = UnsafeMutablePointer(mutating: base + offset)
                stream.pointee.avail_in = UInt32(source.count - offset)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(room)
                let status = inflate(stream, Z_FINISH)
                count = room - Int(stream.pointee.avail_out)
                isComplete =
                    status == Z_STREAM_END && count == byteCount && stream.pointee.avail_in == 0
            }
        }
        guard isComplete else { throw WireError(.deflateMalformed, offset: offset) }
        return result
    }
}
