/// The last message of a connection: why it ends.
package struct Close: Hashable, Sendable {
    /// Numbers a peer can act on; unknown ones are kept and treated as `goingAway`.
    package struct Code: Hashable, Sendable, RawRepresentable {
        package let rawValue: UInt64

        package init(rawValue: UInt64) {
            self.rawValue = rawValue
        }

        /// An orderly stop; come back when you like.
        package static let goingAway = Code(rawValue: 0)
        /// No common version.
        package static let version = Code(rawValue: 1)
        /// A required feature the sender of this close doesn't have.
        package static let feature = Code(rawValue: 2)
        /// Bytes that break the format.
        package static let malformed = Code(rawValue: 3)
        /// A message that has no place at this point of the session.
        package static let unexpected = Code(rawValue: 4)
        /// A hash or signature that doesn't hold.
        package static let unverified = Code(rawValue: 5)
        /// Not a member, an invitation used up or expired, a ticket nobody here can check.
        package static let notAdmitted = Code(rawValue: 6)
        /// Another connection between the same two runs stays.
        package static let duplicate = Code(rawValue: 7)
        /// Too many connections, or out of disk.
        package static let overloaded = Code(rawValue: 8)
        /// Nothing heard for too long.
        package static let silence = Code(rawValue: 9)
        /// The member was revoked.
        package static let revoked = Code(rawValue: 10)
    }

    package let code: Code
    /// One sentence for the other side's log, at most 200 bytes; never a record's contents.
    package let text: String

    /// Text beyond the limit is cut at a character.
    package init(_ code: Code, text: String = "") {
        self.code = code
        var text = text
        while text.utf8.count > Limits.closeTextBytes { text.removeLast() }
        self.text = text
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(code.rawValue)
        writer.text(text)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        code = Code(rawValue: try reader.varint())
        text = try reader.text(limit: Limits.closeTextBytes)
    }
}
