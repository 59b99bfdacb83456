import ParleyCRDT
import ParleyModel
import ParleyWire

/// Messages and system payloads: their name, then their fields.
extension Tree {
    init(_ message: Message) {
        switch message {
        case .hello(let hello): self.init(hello)
        case .clock(let page):
            let flags: UInt64 = (page.replacesAll ? 1 : 0) | (page.moreFollow ? 2 : 0)
            self = .named(
                "clock", .number(page.casebook), .number(flags),
                .list(of: page.entries) { Tree($0) })
        case .clockRequest(let casebook): self = .named("clock request", .number(casebook))
        case .batch(let casebook, let bytes):
            self = .named("batch", .number(casebook), .bytes(bytes))
        case .acknowledgement(let casebook, let entries):
            self = .named(
                "acknowledgement", .number(casebook), .list(of: entries) { Tree($0) })
        case .locator(let locator):
            self = .named(
                "locator", .number(locator.casebook), Tree(locator.origin),
                .list(of: locator.points) { Tree($0) })
        case .want(let want):
            self = .named(
                "want", .number(want.casebook), Tree(want.range.origin),
                .number(want.range.sequences.lowerBound), .number(want.range.sequences.upperBound))
        case .addresses(let casebook, let addresses):
            self = .named(
                "addresses", .number(casebook),
                .list(of: addresses) { address in
                    .list([
                        .bytes(address.node.bytes), .number(address.seenMilliseconds),
                        .text(address.address),
                    ])
                })
        case .ping(let number): self = .named("ping", .number(number))
        case .pong(let number): self = .named("pong", .number(number))
        case .close(let close):
            self = .named("close", .number(close.code.rawValue), .text(close.text))
        case .caughtUp(let casebook, let digest):
            self = .named("caught up", .number(casebook), .bytes(digest.bytes))
        case .join(let join):
            self = .named(
                "join", .bytes(join.casebook.bytes), .bytes(join.secret), .text(join.name))
        case .ticket(let ticket): self.init(ticket, named: "ticket")
        case .welcome(let ticket): self.init(ticket, named: "welcome")
        }
    }

    private init(_ hello: Hello) {
        self = .named(
            "hello", .number(hello.version), .number(hello.requiredFeatures),
            .number(hello.optionalFeatures), .number(hello.run),
            .list(of: hello.casebooks) { casebook in
                .list([.bytes(casebook.id.bytes), .bytes(casebook.clockDigest.bytes)])
            })
    }

    private init(_ ticket: Ticket, named name: String) {
        self = .named(
            name, .bytes(ticket.casebook.bytes), .bytes(ticket.node.bytes),
            .number(ticket.role.rawValue), Tree(ticket.admission.origin),
            Tree(ticket.admission.tip), .bytes(ticket.coordinator.bytes), .bytes(ticket.signature))
    }

    init(_ founding: Founding) {
        // A founding of another version isn't read.
        self = .named(
            "founding", .number(1), .bytes(founding.nonce), .text(founding.casebookName),
            .text(founding.memberName), .text(founding.schemaName),
            .number(founding.schemaVersion))
    }

    init(_ admission: Admission) {
        self = .named(
            "admission", .bytes(admission.node.bytes), .number(admission.role.rawValue),
            .text(admission.name))
    }

    init(_ cut: Cut) {
        self = .named("cut", .bytes(cut.node.bytes), .list(of: cut.accepted) { Tree($0) })
    }

    init(_ erasure: Erasure) {
        self = .named("erasure", Tree(erasure.record), .text(erasure.basis))
    }

    init(_ redaction: Redaction) {
        self = .named(
            "redaction", Tree(redaction.record), .text(redaction.field.text),
            .text(redaction.basis))
    }

    init(_ receipt: Receipt) {
        self = .named("receipt", Tree(receipt.erasure))
    }

    private static func named(_ name: String, _ fields: Tree...) -> Tree {
        .list([.word(name)] + fields)
    }
}
