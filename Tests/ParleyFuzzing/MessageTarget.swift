import ParleyCRDT
import ParleyLog
import ParleyWire

/// Every message and every system payload has one form: what decodes is written again as the same
/// bytes. The first byte of an input is a message's tag, or says which payload follows.
package struct MessageTarget: FuzzTarget {
    package static let name = "message"

    package init() {}

    /// Beyond all tags of messages.
    private enum Payload: UInt8, CaseIterable {
        case founding = 0x42
        case admission = 0x43
        case cut = 0x44
        case erasure = 0x45
        case receipt = 0x46
        case redaction = 0x47
    }

    package func run(_ input: [UInt8]) throws {
        guard let tag = input.first else { return }
        let payload = Array(input.dropFirst())
        if let kind = Payload(rawValue: tag) {
            guard let encoded = try? MessageTarget.encodedAgain(payload, as: kind) else { return }
            try expect(encoded == payload, "a payload has one form")
            return
        }
        guard let message = try? Message(tag: tag, payload: payload) else { return }
        try expect(message.tag.rawValue == tag, "a message keeps its tag")
        try expect(message.encoded() == input, "a message has one form")
        try MessageTarget.check(message)
    }

    private static func encodedAgain(_ bytes: [UInt8], as kind: Payload) throws -> [UInt8] {
        switch kind {
        case .founding: try Founding(bytes: bytes).encoded
        case .admission: try Admission(bytes: bytes).encoded
        case .cut: try Cut(bytes: bytes).encoded
        case .erasure: try Erasure(bytes: bytes).encoded
        case .receipt: try Receipt(bytes: bytes).encoded
        case .redaction: try Redaction(bytes: bytes).encoded
        }
    }

    private static func check(_ message: Message) throws {
        switch message {
        case .clock(let page): try check(page.entries)
        case .acknowledgement(_, let entries): try check(entries)
        case .hello(let hello):
            try expect(hello.casebooks.count <= Limits.casebooks, "casebooks are bounded")
        default: break
        }
    }

    /// A clock made of entries at once is the clock made of them one by one.
    private static func check(_ entries: [Clock.Entry]) throws {
        let tipCount = entries.reduce(0) { $0 + $1.tips.count }
        try expect(tipCount <= Limits.tips, "tips are bounded")
        let reversed = Clock(entries.reversed())
        try expect(reversed == Clock(sorted: entries), "entries come sorted, each origin once")
        var merged = Clock()
        merged.set(sorted: entries)
        merged.set(sorted: entries)
        try expect(merged == reversed, "setting entries twice is setting them once")
        try expect(
            reversed.entries(movedSince: merged).isEmpty && reversed.digest == merged.digest,
            "equal clocks have equal digests")
    }
}
