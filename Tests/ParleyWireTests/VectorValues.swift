import ParleyCRDT
import ParleyModel
import ParleyWire

/// What the valid vectors state, by file name.
enum VectorValues {
    static let nodeA = NodeID(bytes: (0xa0...0xbf).map { UInt8($0) })!
    static let nodeB = NodeID(bytes: (0x40...0x5f).map { UInt8($0) })!
    static let originA = Origin(node: nodeA, epoch: 0x1122_3344_5566_7788)
    static let originB = Origin(node: nodeB, epoch: 0x99)
    static let casebook = Digest(bytes: repeated(0xc5, 32))!
    static let signature = repeated(0x5a, 64)
    static let milliseconds: UInt64 = 1_767_225_600_000

    static let all: [String: Decoded] = messages.merging(batches) { $1 }.merging(payloads) { $1 }

    static func repeated(_ byte: UInt8, _ count: Int) -> [UInt8] {
        Array(repeating: byte, count: count)
    }

    static func hash(_ byte: UInt8) -> HashPrefix { HashPrefix(bytes: repeated(byte, 16))! }

    static func tip(_ sequence: UInt64, _ byte: UInt8) -> Tip {
        Tip(sequence: sequence, hash: hash(byte))
    }

    static func name(_ text: String) -> FieldName { FieldName(text)! }

    static func text(_ text: String) -> Value { .text(Array(text.utf8)) }

    private static let ticket = Ticket(
        casebook: casebook, node: nodeB, role: .editor,
        admission: Dot(origin: originA, sequence: 2, hash: hash(0x77)), coordinator: nodeA,
        signature: signature)

    private static let messages: [String: Decoded] = [
        "hello-one-casebook": .message(
            .hello(Hello(run: 7, casebooks: [.init(id: casebook, clockDigest: hash(0x1d))]))),
        "hello-future-version": .message(
            .hello(
                Hello(
                    version: 300, requiredFeatures: 512, optionalFeatures: 1,
                    run: 0xfedc_ba98_7654_3210, casebooks: []))),
        "clock-page-with-fork": .message(
            .clock(
                ClockPage(
                    casebook: 0, replacesAll: true, moreFollow: true,
                    entries: [
                        .init(origin: originB, tips: [tip(9, 0x31), tip(9, 0x32)]),
                        .init(origin: originA, tip: tip(300, 0x33)),
                    ]))),
        "clock-empty": .message(
            .clock(ClockPage(casebook: 2, replacesAll: false, moreFollow: false, entries: []))),
        "clock-request": .message(.clockRequest(casebook: 1)),
        "batch": .message(
            .batch(
                casebook: 0,
                bytes: Vector.all(.valid).first { $0.name == "columns-creation" }!.bytes)),
        "acknowledgement": .message(
            .acknowledgement(
                casebook: 0, entries: [.init(origin: originA, tip: tip(42, 0x2a))])),
        "locator": .message(
            .locator(
                Locator(
                    casebook: 0, origin: originB,
                    points: [tip(200, 4), tip(199, 3), tip(197, 2), tip(193, 1)]))),
        "want": .message(
            .want(Want(casebook: 0, range: ChangeRange(origin: originA, sequences: 5...130)))),
        "addresses": .message(
            .addresses(
                casebook: 0,
                [
                    PeerAddress(
                        node: nodeB, seenMilliseconds: milliseconds, address: "hq.example:4017")
                ])),
        "ping": .message(.ping(258)),
        "pong": .message(.pong(258)),
        "close-not-admitted": .message(
            .close(Close(.notAdmitted, text: "the invitation has expired"))),
        "caught-up": .message(.caughtUp(casebook: 0, digest: hash(0x1d))),
        "join": .message(
            .join(Join(casebook: casebook, secret: (0..<16).map { UInt8($0) }, name: "Olena"))),
        "ticket": .message(.ticket(ticket)),
        "welcome": .message(.welcome(ticket)),
    ]

    private static let payloads: [String: Decoded] = [
        "founding": .founding(
            Founding(
                nonce: (0..<16).map { UInt8($0) }, casebookName: "Exchanges 2026",
                memberName: "Anna", schemaName: "casework", schemaVersion: 1)),
        "admission": .admission(Admission(node: nodeB, role: .reader, name: "Borys")),
        "cut": .cut(Cut(node: nodeB, accepted: [.init(origin: originB, tip: tip(17, 0x11))])),
        "erasure": .erasure(
            Erasure(
                record: RecordReference(
                    creation: DotReference(origin: originB, sequence: 4, hash: hash(0x44)), group: 1
                ),
                basis: "consent withdrawn")),
        "redaction": .redaction(
            Redaction(
                record: RecordReference(
                    creation: DotReference(origin: originA, sequence: 3), group: 0),
                field: FieldName("occupation")!, basis: "said in confidence")),
        "receipt": .receipt(Receipt(erasure: DotReference(origin: originA, sequence: 9))),
    ]

    private static let seed = (0x10...0x1f).map { UInt8($0) }

    static func batch(
        first: UInt64 = 1, previous: HashPrefix? = nil, salts: [SaltRun]? = nil,
        _ changes: [(counter: UInt16, context: [Clock.Entry], groups: [Group])],
        offsets: [Int64] = []
    ) -> Batch {
        let built = changes.enumerated().map { index, change in
            let offset = index < offsets.count ? offsets[index] : 0
            return Change(
                origin: originA, sequence: first + UInt64(index),
                time: HybridTime(
                    milliseconds: UInt64(Int64(milliseconds) + offset), counter: change.counter),
                contextDelta: change.context, groups: change.groups)
        }
        return Batch(
            origin: originA, first: first, previous: previous, signature: signature,
            changes: built, salts: salts ?? [.seed(changes: built.count, seed)])
    }

    static func own(_ sequence: UInt64, group: UInt32 = 0) -> RecordReference {
        RecordReference(
            creation: DotReference(origin: originA, sequence: sequence), group: group)
    }

    private static let creation = batch([
        (
            0, [],
            [
                .creation(
                    type: name("person"),
                    [
                        Operation(.write, field: name("name"), values: [text("Ір")]),
                        Operation(
                            .write, field: name("count_a"), values: [text("307")],
                            isSensitive: true),
                    ]),
                .reason(Array("from TV ".utf8)),
            ]
        )
    ])

    /// The worked example of the specification: its hashes and signature are real.
    private static let signed = {
        let node = NodeID(
            text: "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")!
        let origin = Origin(node: node, epoch: 0x0102_0304_0506_0708)
        let signature = Hexadecimal.bytes(
            of: "a66772996fa86d2b2fdf20c9557ffb36a1c82cbae86805572881f16a7890f731"
                + "52978c01ab9bf2ccddc904767cc631d8b6c2431b01512aeb40cda01953372e0b")!
        let founding = Founding(
            nonce: (0..<16).map { UInt8($0) }, casebookName: "Exchanges 2026", memberName: "Anna",
            schemaName: "casework", schemaVersion: 1)
        let first = Change(
            origin: origin, sequence: 1, time: HybridTime(milliseconds: milliseconds),
            contextDelta: [],
            groups: [
                Group(kind: .founding, subject: .casebook, content: .payload(founding.encoded))
            ])
        let operations = [
            Operation(.write, field: name("name"), values: [text("Iryna")]),
            Operation(.write, field: name("count_a"), values: [text("307")], isSensitive: true),
        ]
        let second = Change(
            origin: origin, sequence: 2,
            time: HybridTime(milliseconds: milliseconds + 5, counter: 1), contextDelta: [],
            groups: [
                .creation(type: name("person"), operations), .reason(Array("from TV".utf8)),
            ])
        return Batch(
            origin: origin, first: 1, signature: signature, changes: [first, second],
            salts: [.seed(changes: 2, seed)])
    }()

    private static let resolution = batch(
        first: 6, previous: hash(0x66),
        [
            (
                3, [.init(origin: originB, tips: [tip(9, 0x31), tip(9, 0x32)])],
                [
                    .edit(
                        of: own(4),
                        [
                            Operation(
                                .resolve, field: name("name"), values: [text("Iryn")],
                                drops: [
                                    DotReference(origin: originA, sequence: 5),
                                    DotReference(origin: originB, sequence: 8),
                                ])
                        ])
                ]
            ),
            (
                4, [],
                [
                    .edit(
                        of: RecordReference(
                            creation: DotReference(
                                origin: originB, sequence: 9, hash: hash(0x32)), group: 0),
                        [
                            Operation(
                                .add, field: name("tags"), values: [text("red"), text("rush")]),
                            Operation(.setState, field: nil, values: [.deleted]),
                        ]),
                    Group(
                        kind: .record, subject: .existing(own(2, group: 7)),
                        content: .stub(Digest(bytes: repeated(0xdd, 32))!)),
                ]
            ),
        ], offsets: [0, -5])

    private static let erased = batch(
        salts: [
            .explicit(
                changes: 1,
                [
                    Salt(change: 0, group: 0, slot: 0, bytes: repeated(0x70, 16)),
                    Salt(change: 0, group: 0, slot: 2, bytes: repeated(0x72, 16)),
                ])
        ],
        [
            (
                0, [],
                [
                    .creation(
                        type: name("note"),
                        [
                            Operation(
                                .add, field: name("alias"),
                                values: [
                                    .erased(Digest(bytes: repeated(0xec, 32))!), text("Wolf"),
                                ], isSensitive: true),
                            Operation(.write, field: name("note"), values: [.absent, text("ok")]),
                            Operation(OperationKind(rawValue: 0x4d), field: nil, values: [.live]),
                        ]),
                    Group(
                        kind: GroupKind(rawValue: 0xc8), subject: .casebook,
                        content: .payload([1, 2, 3])),
                ]
            )
        ])

    private static let dictionary = batch(
        first: 10,
        (0..<4).map { index in
            let value = index == 3 ? "disputed" : "released"
            let edit = Operation(.write, field: name("status"), values: [text(value)])
            return (UInt16(index), [], [.edit(of: own(UInt64(2 * index + 2)), [edit])])
        })

    private static let words = batch(
        (0..<256).map { index in
            let words = ["was", "released", "near", "town"]
            let note = [0, 2, 4, 6].map { words[index >> $0 & 3] }.joined(separator: " ")
            let write = Operation(.write, field: name("note"), values: [text(note)])
            return (0, [], [.creation(type: name("note"), [write])])
        })

    private static let batches: [String: Decoded] = [
        "columns-creation": .batch(creation),
        "signed-founding": .batch(signed),
        "deflated": .batch(creation),
        "columns-resolution-fork-stub": .batch(resolution),
        "columns-erased-and-unknown": .batch(erased),
        "columns-dictionary": .batch(dictionary),
        "columns-words": .batch(words),
    ]
}
