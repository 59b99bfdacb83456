package import ParleyCRDT
import ParleyWire

/// What a coordinator hands to somebody who is to join: where to go, whom to expect there, and a
/// secret that works once.
package struct Invitation: Hashable, Sendable {
    package static let secretByteCount = 16

    package let casebook: Digest
    /// The inviter, whose key the joining side pins.
    package let inviter: NodeID
    package let secret: [UInt8]
    /// Milliseconds since 1970 after which the inviter refuses it.
    package let expires: UInt64
    /// `HOST:PORT`.
    package let address: String

    package init(
        casebook: Digest, inviter: NodeID, secret: [UInt8], expires: UInt64, address: String
    ) {
        precondition(secret.count == Invitation.secretByteCount, "a secret has 16 bytes")
        self.casebook = casebook
        self.inviter = inviter
        self.secret = secret
        self.expires = expires
        self.address = address
    }
}

/// Why a text is no invitation, in terms of what the person typed.
package enum InvitationError: Error, Equatable, Sendable {
    /// It doesn't begin with `parley1-`.
    case notAnInvitation
    /// The part with this number, counted from 1, has a typing error.
    case wrongPart(Int, text: String)
    /// Every part is right but some are missing, surplus or swapped.
    case incomplete
}

extension Invitation {
    /// The text form: `parley1-` and parts of up to eight characters joined by dashes. The last
    /// character of each part checks the part, so a typing error can be pointed at; four bytes of a
    /// hash at the end check the whole.
    ///
    /// Specification: Protocol/parley-1.md "Invitations"
    package var text: String {
        var writer = ByteWriter()
        writer.digest(casebook)
        writer.node(inviter)
        writer.raw(secret)
        writer.varint(expires)
        writer.text(address)
        let symbols = Base32.symbols(
            of: writer.bytes + Hashing.digest(writer.bytes).bytes.prefix(4))
        let parts = stride(from: 0, to: symbols.count, by: Invitation.partLength).enumerated().map {
            number, start in
            let part = Array(symbols[start..<min(start + Invitation.partLength, symbols.count)])
            return Base32.text(of: part + [Invitation.check(part, number: number)])
        }
        return ([Invitation.lead] + parts).joined(separator: "-")
    }

    package init(text: String) throws(InvitationError) {
        let parts = text.lowercased().split { $0 == "-" || $0.isWhitespace }.map(String.init)
        guard parts.first == Invitation.lead else { throw .notAnInvitation }
        var symbols: [UInt8] = []
        for (number, part) in parts.dropFirst().enumerated() {
            guard let read = Base32.symbols(inText: part), read.count >= 2,
                read.count <= Invitation.partLength + 1,
                Invitation.check(Array(read.dropLast()), number: number) == read[read.count - 1]
            else { throw .wrongPart(number + 1, text: part) }
            symbols += read.dropLast()
        }
        guard let invitation = Invitation(bytes: Base32.bytes(of: symbols)) else {
            throw .incomplete
        }
        self = invitation
    }

    private static let lead = "parley1"
    /// Symbols in a part, its check symbol apart.
    private static let partLength = 7

    private init?(bytes: [UInt8]) {
        let body = Array(bytes.dropLast(4))
        guard bytes.count > 4, Hashing.digest(body).bytes.prefix(4) == bytes.suffix(4)[...]
        else { return nil }
        var reader = ByteReader(body)
        guard let casebook = try? reader.digest(), let inviter = try? reader.node(),
            let secret = try? reader.raw(Invitation.secretByteCount),
            let expires = try? reader.varint(),
            let address = try? reader.text(limit: Limits.addressBytes),
            (try? reader.finish()) != nil
        else { return nil }
        self.init(
            casebook: casebook, inviter: inviter, secret: secret, expires: expires,
            address: address)
    }

    /// A weighted sum, which tells single errors and swapped neighbours, and swapped parts too.
    private static func check(_ part: [UInt8], number: Int) -> UInt8 {
        let sum = part.enumerated().reduce(number) { $0 + Int($1.element) * (2 * $1.offset + 1) }
        return UInt8(sum % 32)
    }
}

/// Crockford's base 32: no letter that is easily mistaken for a digit, case ignored.
enum Base32 {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    static func symbols(of bytes: some Sequence<UInt8>) -> [UInt8] {
        var symbols: [UInt8] = []
        var held = 0
        var bits = 0
        for byte in bytes {
            held = held << 8 | Int(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                symbols.append(UInt8(held >> bits & 31))
            }
            held &= 31
        }
        if bits > 0 { symbols.append(UInt8(held << (5 - bits) & 31)) }
        return symbols
    }

    static func bytes(of symbols: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var held = 0
        var bits = 0
        for symbol in symbols {
            held = (held << 5 | Int(symbol)) & 0xfff
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(held >> bits & 0xff))
            }
        }
        return bytes
    }

    static func text(of symbols: [UInt8]) -> String {
        String(decoding: symbols.map { alphabet[Int($0)] }, as: UTF8.self)
    }

    /// - Returns: `nil` where a character is no symbol; `o`, `i` and `l` are read as 0 and 1.
    static func symbols(inText text: String) -> [UInt8]? {
        var symbols: [UInt8] = []
        for byte in text.utf8 {
            let read =
                switch byte {
                case UInt8(ascii: "o"): UInt8(ascii: "0")
                case UInt8(ascii: "i"), UInt8(ascii: "l"): UInt8(ascii: "1")
                default: byte
                }
            guard let index = alphabet.firstIndex(of: read) else { return nil }
            symbols.append(UInt8(index))
        }
        return symbols
    }
}
