import CZlib

/// Makes one raw deflate stream of a batch's columns.
///
/// The stream state lies behind a pointer because zlib checks that it hasn't moved.
struct Deflater: ~Copyable {
    /// Beyond 6, records deflate no smaller, only slower.
    private static let level: Int32 = 6
    /// 32 KiB of window without header or checksum: hashes vouch for the contents.
    static let rawWindowBits: Int32 = -15
    private static let memoryLevel: Int32 = 8

    private let stream: UnsafeMutablePointer<z_stream>

    init(dictionary: [UInt8]) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = deflateInit2_(
            stream, Deflater.level, Z_DEFLATED, Deflater.rawWindowBits, Deflater.memoryLevel,
            Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib refused its own version or had no memory")
        if !dictionary.isEmpty {
            let status = deflateSetDictionary(stream, dictionary, UInt32(dictionary.count))
            precondition(status == Z_OK, "a dictionary is set before the first byte")
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Deflates all of `source` and ends the stream.
    ///
    /// - Parameter marks: ascending offsets where one column ends and another begins. A new deflate
    ///   block starts there, so that each column gets a Huffman table of its own.
    mutating func finish(_ source: [UInt8], blocksAt marks: [Int]) -> [UInt8] {
        // Each block can cost a stored header and a table; deflateBound knows one stream only.
        let bound = Int(deflateBound(stream, UInt(source.count))) + 64 * (marks.count + 1)
        return [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            // Safe: source and output outlive the calls, and zlib keeps to the sizes given.
            source.withUnsafeBufferPointer { input in
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(bound)
                var start = 0
                for mark in marks {
                    stream.pointee.avail_in = UInt32(mark - start)
                    precondition(deflate(stream, Z_BLOCK) == Z_OK)
                    start = mark
                }
                stream.pointee.avail_in = UInt32(source.count - start)
                precondition(deflate(stream, Z_FINISH) == Z_STREAM_END)
                count = bound - Int(stream.pointee.avail_out)
            }
        }
    }
}
