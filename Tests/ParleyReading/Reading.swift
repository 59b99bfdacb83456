import ParleyWire

/// A decoded value, and the bytes that Swift makes of it.
struct Reading {
    let value: Tree
    let encoded: [UInt8]

    private init(_ value: Tree, _ encoded: [UInt8]) {
        self.value = value
        self.encoded = encoded
    }

    /// - Returns: `nil` for a message whose tag isn't known.
    init?(form: String, _ bytes: [UInt8]) throws(WireError) {
        switch form {
        case "message":
            guard let message = try Reading.message(bytes) else { return nil }
            self.init(Tree(message), Frame.encode(message))
        case "founding":
            let value = try Founding(bytes: bytes)
            self.init(Tree(value), value.encoded)
        case "admission":
            let value = try Admission(bytes: bytes)
            self.init(Tree(value), value.encoded)
        case "cut":
            let value = try Cut(bytes: bytes)
            self.init(Tree(value), value.encoded)
        case "erasure":
            let value = try Erasure(bytes: bytes)
            self.init(Tree(value), value.encoded)
        case "redaction":
            let value = try Redaction(bytes: bytes)
            self.init(Tree(value), value.encoded)
        case "receipt":
            let value = try Receipt(bytes: bytes)
            self.init(Tree(value), value.encoded)
        default:
            let batch = try Batch.decode(bytes)
            self.init(Tree(batch), try batch.encoded(compress: false))
        }
    }

    /// The message of one whole frame.
    private static func message(_ bytes: [UInt8]) throws(WireError) -> Message? {
        var decoder = FrameDecoder()
        decoder.append(bytes)
        guard let frame = try decoder.next() else {
            throw WireError(.truncated(needed: 1), offset: bytes.count)
        }
        let rest = decoder.pendingByteCount
        guard rest == 0 else {
            throw WireError(.trailing(bytes: rest), offset: bytes.count - rest)
        }
        return try Message(tag: frame.tag, payload: frame.payload)
    }
}
