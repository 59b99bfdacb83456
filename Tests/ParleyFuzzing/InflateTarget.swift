import CZlib
import ParleyCRDT
import ParleyWire

/// Deflated columns mean what the same columns mean when they are stored plain, and inflating ends
/// where it was announced to.
///
/// An input is the number of the preset dictionary, the announced length as two bytes, then the
/// stream. A plain use of zlib, which takes whatever comes, is what the fast one is held against.
package struct InflateTarget: FuzzTarget {
    package static let name = "inflate"

    package init() {}

    package func run(_ input: [UInt8]) throws {
        var source = ByteSource(input)
        let dictionary = source.u8() & 1
        let announced = Int(source.u16()) * (source.flag() ? 8 : 1)
        let stream = source.rest()
        var batch = InflateTarget.header(flags: 1 | dictionary << 4)
        batch.varint(announced)
        batch.raw(stream)
        let result = InflateTarget.decode(batch.bytes)

        guard dictionary == 0 else { return }
        guard let columns = InflateTarget.inflated(stream, to: announced) else {
            let isRefused =
                result == .failure(.deflateMalformed)
                || result == .failure(.limitExceeded(.inflatedBytes))
                || result == .failure(.limitExceeded(.batchBytes))
            try expect(isRefused, "a stream of another length is refused")
            return
        }
        var plain = InflateTarget.header(flags: 0)
        plain.raw(columns)
        guard plain.count <= Limits.batchBytes, batch.count <= Limits.batchBytes else { return }
        try expect(
            result == InflateTarget.decode(plain.bytes),
            "deflated columns mean what plain ones do")
    }

    private static func decode(_ bytes: [UInt8]) -> Result<Batch, WireError.Code> {
        do {
            return .success(try Batch.decode(bytes))
        } catch {
            return .failure(error.code)
        }
    }

    private static func header(flags: UInt8) -> ByteWriter {
        var writer = ByteWriter(capacity: 256)
        writer.origin(Origin(node: NodeID(bytes: [UInt8](repeating: 7, count: 32))!, epoch: 9))
        writer.varint(1)
        writer.varint(2)
        writer.u8(flags)
        writer.raw([UInt8](repeating: 3, count: Batch.signatureBytes))
        return writer
    }

    /// - Returns: `nil` unless the whole stream inflates to exactly `count` bytes.
    private static func inflated(_ stream: [UInt8], to count: Int) -> [UInt8]? {
        var state = z_stream()
        let status = inflateInit2_(
            &state, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK)
        defer { inflateEnd(&state) }
        var input = stream + [0]
        // One byte more than announced, to see whether there is one.
        var output = [UInt8](repeating: 0, count: count + 1)
        return input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                state.next_in = input.baseAddress
                state.avail_in = UInt32(stream.count)
                state.next_out = output.baseAddress
                state.avail_out = UInt32(count + 1)
                let status = inflate(&state, Z_SYNC_FLUSH)
                guard status == Z_STREAM_END, state.avail_in == 0, state.avail_out == 1 else {
                    return nil
                }
                return Array(output[..<count])
            }
        }
    }
}
