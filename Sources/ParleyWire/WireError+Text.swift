extension WireError.Code: CustomStringConvertible {
    /// The name under which Protocol/parley-1.md and its vectors list this error.
    package var description: String {
        switch self {
        case .truncated: "truncated"
        case .trailing: "trailing bytes"
        case .varintMalformed: "malformed varint"
        case .outOfRange(let field): "out of range: \(field.rawValue)"
        case .frameTooLarge: "frame too large"
        case .frameEmpty: "empty frame"
        case .limitExceeded(let limit): "limit exceeded: \(limit.rawValue)"
        case .unsorted(let field): "unsorted: \(field.rawValue)"
        case .unused(let field): "unused: \(field.rawValue)"
        case .noSuchIndex(let field): "no such index: \(field.rawValue)"
        case .nameMalformed: "malformed name"
        case .textMalformed: "malformed text"
        case .reservedBits: "reserved bits"
        case .unknownColumn: "unknown column"
        case .unknownDictionary: "unknown dictionary"
        case .deflateMalformed: "malformed deflate"
        case .ruleBroken(let rule): "broken rule: \(rule.rawValue)"
        }
    }
}

extension WireError: CustomStringConvertible {
    package var description: String { "\(code) at byte \(offset)" }
}
