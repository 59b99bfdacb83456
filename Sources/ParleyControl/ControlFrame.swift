import FoundationEssentials

/// A message on the control socket: four bytes of length, big-endian, then JSON.
package enum ControlFrame {
    static let lengthBytes = 4
    /// What a node holds for one request: some thousand lines of an import.
    package static let requestBytes = 4 * 1024 * 1024
    /// What either side holds of an answer at a time.
    static let responseBytes = 4 * 1024 * 1024
    /// The text of an answer that travels in one frame; in JSON a byte of it may become six.
    static let pieceBytes = 512 * 1024

    /// - Throws: `tooLarge` above `limit` bytes of JSON.
    package static func encode(
        _ value: some Encodable, limit: Int
    ) throws(ControlError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let json = try? encoder.encode(value) else {
            preconditionFailure("requests and responses are plain data")
        }
        guard json.count <= limit else { throw .tooLarge(bytes: json.count) }
        var bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: json.count >> $0) }
        bytes.append(contentsOf: json)
        return bytes
    }

    /// - Throws: `malformed`.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from json: some Collection<UInt8>
    ) throws(ControlError) -> Value {
        guard let value = try? JSONDecoder().decode(type, from: Data(json)) else {
            throw .malformed
        }
        return value
    }

    /// Reads the length of what follows.
    ///
    /// - Throws: `tooLarge` above `limit`, before anything is allocated.
    static func length(
        _ header: some Collection<UInt8>, limit: Int
    ) throws(ControlError) -> Int {
        let length = header.reduce(0) { $0 << 8 | Int($1) }
        guard length <= limit else { throw .tooLarge(bytes: length) }
        return length
    }
}

/// Cuts a stream of bytes into messages, in whatever pieces it arrives.
package struct ControlFrameDecoder: Sendable {
    private let limit: Int
    private var buffer: [UInt8] = []

    package init(limit: Int) {
        self.limit = limit
    }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        buffer.append(contentsOf: bytes)
    }

    /// Removes and returns the JSON of the next whole message.
    ///
    /// - Returns: `nil` until more bytes arrive.
    /// - Throws: `tooLarge` as soon as the length is known.
    package mutating func next() throws(ControlError) -> [UInt8]? {
        guard buffer.count >= ControlFrame.lengthBytes else { return nil }
        let length = try ControlFrame.length(
            buffer.prefix(ControlFrame.lengthBytes), limit: limit)
        let end = ControlFrame.lengthBytes + length
        guard buffer.count >= end else { return nil }
        let json = Array(buffer[ControlFrame.lengthBytes..<end])
        buffer.removeFirst(end)
        return json
    }
}
