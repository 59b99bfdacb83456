import ParleyWire
import Testing

@Suite struct VectorTests {
    @Test(arguments: Vector.all(.valid))
    func validVectorDecodesToItsValueAndBack(vector: Vector) throws {
        let expected = try #require(
            VectorValues.all[vector.name], "no value is stated in the tests")
        let decoded = try vector.decode()
        #expect(decoded == expected)
        // What deflate makes may differ between builds of zlib, so those vectors only decode.
        if vector.form != "deflated batch" { #expect(try decoded.encoded() == vector.bytes) }
    }

    @Test(arguments: Vector.all(.invalid))
    func invalidVectorFailsAsStated(vector: Vector) throws {
        let error = #expect(throws: WireError.self) { try vector.decode() }
        #expect(error?.code.description == vector.error)
        #expect(error?.offset == vector.offset)
    }

    @Test func everyStatedValueHasItsVector() {
        let names = Set(Vector.all(.valid).map(\.name))
        #expect(Set(VectorValues.all.keys).subtracting(names).isEmpty)
    }

    @Test(arguments: Message.Tag.allCases)
    func everyMessageHasAValidAndAnInvalidVector(tag: Message.Tag) {
        func hasTag(_ vector: Vector) -> Bool {
            vector.form == "message" && vector.bytes.count > 4 && vector.bytes[4] == tag.rawValue
        }
        #expect(Vector.all(.valid).contains(where: hasTag))
        #expect(Vector.all(.invalid).contains(where: hasTag))
    }

    /// No beginning of a valid vector is valid, and none traps.
    @Test(arguments: Vector.all(.valid))
    func everyBeginningOfAVectorFails(vector: Vector) throws {
        guard vector.form != "message" else { return }
        for count in vector.bytes.indices {
            let beginning = vector.with(bytes: Array(vector.bytes[..<count]))
            #expect(throws: WireError.self, "\(count) bytes") { try beginning.decode() }
        }
    }

    /// The same for messages, whose frames are cut together with their payload.
    @Test(arguments: Vector.all(.valid))
    func everyBeginningOfAPayloadFails(vector: Vector) throws {
        guard vector.form == "message", vector.bytes[4] != Message.Tag.batch.rawValue else {
            return
        }
        let payload = Array(vector.bytes[5...])
        for count in payload.indices {
            #expect(throws: WireError.self, "\(count) bytes") {
                try Message(tag: vector.bytes[4], payload: Array(payload[..<count]))
            }
        }
    }

    /// One wrong byte anywhere either still decodes to something or fails, but never traps.
    @Test(arguments: Vector.all(.valid))
    func noChangedByteTraps(vector: Vector) {
        // Each byte of a short vector, every so many of a long one.
        for index in stride(from: 0, to: vector.bytes.count, by: 1 + vector.bytes.count / 400) {
            for flip: UInt8 in [0x01, 0x80, 0xff] {
                var bytes = vector.bytes
                bytes[index] ^= flip
                _ = try? vector.with(bytes: bytes).decode()
            }
        }
    }
}
