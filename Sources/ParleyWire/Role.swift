/// What a member may do.
package enum Role: UInt8, Hashable, Sendable, CaseIterable {
    /// Admits, revokes and erases, beside editing.
    case coordinator = 1
    case editor = 2
    /// Writes receipts and nothing else.
    case reader = 3
}

extension ByteReader {
    mutating func role() throws(WireError) -> Role {
        let position = offset
        guard let role = Role(rawValue: try u8()) else {
            throw WireError(.outOfRange(.role), offset: position)
        }
        return role
    }
}
