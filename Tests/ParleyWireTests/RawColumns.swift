import CZlib
import ParleyCRDT
import ParleyWire

/// A batch written by hand, without the writer's checks: what a peer could send whatever it thinks
/// of limits. Columns are given as bytes, in the order of the specification.
struct RawColumns {
    var changes = 1
    var names = ["note"]
    var origins: [Origin] = []
    var salts: [UInt8]?
    var shapes: [[UInt8]] = [RawColumns.shape()]
    var groupsPerChange = RawColumns.same(1)
    var contexts: [UInt8] = []
    var contextsPerChange = RawColumns.same(0)
    var shapeNumbers = RawColumns.same(0)
    var references: [UInt8] = []
    var payloads: [UInt8] = []
    /// The columns of values of each name, none first.
    var values: [UInt8] = []
    var deflates = false

    /// The shape of a record of type `note` that is created.
    ///
    /// - Parameter operations: each as in a shape.
    static func shape(_ operations: [[UInt8]] = []) -> [UInt8] {
        bytes { writer in
            writer.raw([0, 1, 0, 1])
            writer.varint(operations.count)
            for operation in operations { writer.raw(operation) }
        }
    }

    /// An operation as in a shape; field 1 is the type's own name, so that one name does for all.
    static func operation(kind: UInt8 = 1, values: [UInt8] = [1], drops: Int = 0) -> [UInt8] {
        bytes { writer in
            writer.raw([kind, 0, 1])
            writer.varint(values.count)
            writer.raw(values)
            writer.varint(drops)
        }
    }

    /// An integer column of one number that stands for all.
    static func same(_ number: Int) -> [UInt8] {
        bytes {
            $0.u8(0)
            $0.varint(number)
        }
    }

    /// A bytes column, plain.
    static func plain(_ texts: [[UInt8]]) -> [UInt8] {
        bytes { writer in
            writer.raw([0, 1])
            for text in texts { writer.varint(text.count) }
            for text in texts { writer.raw(text) }
        }
    }

    static func bytes(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
        var writer = ByteWriter()
        body(&writer)
        return writer.bytes
    }

    var columns: [UInt8] {
        RawColumns.bytes { writer in
            writer.varint(names.count)
            for name in names { writer.bytes(Array(name.utf8)) }
            writer.varint(origins.count)
            for origin in origins { writer.origin(origin) }
            if let salts { writer.raw(salts) } else { writer.raw(seed) }
            writer.varint(shapes.count)
            for shape in shapes { writer.raw(shape) }
            for column in [RawColumns.same(2), RawColumns.same(0)] { writer.raw(column) }
            writer.raw(groupsPerChange)
            writer.raw(contextsPerChange)
            writer.raw(contexts)
            writer.raw(shapeNumbers)
            writer.raw(references)
            writer.raw(payloads)
            writer.raw(values)
        }
    }

    private var seed: [UInt8] {
        RawColumns.bytes { writer in
            writer.varint(1)
            writer.varint(changes)
            writer.u8(0)
            writer.raw([UInt8](repeating: 9, count: 16))
        }
    }

    var batch: [UInt8] {
        RawColumns.bytes { writer in
            writer.origin(VectorValues.originA)
            writer.varint(1)
            writer.varint(changes)
            writer.u8(deflates ? 1 : 0)
            writer.raw([UInt8](repeating: 0x5a, count: 64))
            let columns = columns
            if deflates {
                writer.varint(columns.count)
                writer.raw(RawColumns.deflated(columns))
            } else {
                writer.raw(columns)
            }
        }
    }

    /// One raw deflate stream, at the highest level and without a dictionary.
    private static func deflated(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        deflateInit2_(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: bytes.count)
        return input.withUnsafeMutableBufferPointer { input in
            let count = output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END, "it shrinks")
                return output.count - Int(stream.avail_out)
            }
            return Array(output[..<count])
        }
    }

    /// - Returns: why reading fails, `nil` where it doesn't.
    var failure: WireError.Code? {
        do throws(WireError) {
            _ = try Batch.decode(batch)
            return nil
        } catch {
            return error.code
        }
    }
}
