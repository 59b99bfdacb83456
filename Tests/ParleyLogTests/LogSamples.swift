import ParleyCRDT
import ParleyLog
import ParleyModel

/// Small logs made of real keys, for the tests of this module.
enum Sample {
    /// A key whose bytes are all alike, so that every run makes the same log.
    static func identity(_ number: UInt8) -> Identity {
        Identity(privateKey: [UInt8](repeating: number, count: 32))!
    }

    static let seed = [UInt8](repeating: 9, count: 16)
    static let title = FieldName("title")!
    static let name = FieldName("name")!

    static func write(_ field: FieldName, _ text: String, sensitive: Bool = false) -> Operation {
        Operation(
            .write, field: field, values: [.text(Array(text.utf8))], isSensitive: sensitive)
    }

    /// Changes that each create one record, with a sensitive and a plain field and a reason.
    static func changes(_ count: Int, by origin: Origin) -> [Change] {
        (1...count).map { number in
            Change(
                origin: origin, sequence: UInt64(number),
                time: HybridTime(milliseconds: 1_700_000_000_000 + UInt64(number)),
                contextDelta: [],
                groups: [
                    .creation(
                        type: FieldName("person")!,
                        [
                            write(name, "name \(number)", sensitive: true),
                            write(title, "title \(number)"),
                        ]),
                    .reason(Array("because \(number)".utf8)),
                ])
        }
    }

    static func run(_ count: Int, author: LogAuthor) throws -> VerifiedBatch {
        try author.run(
            of: changes(count, by: author.origin), casebook: casebook, previous: .zero, seed: seed)
    }

    static let casebook = Hashing.digest(Array("casebook".utf8))
    static let author = LogAuthor(identity: identity(1), epoch: 7)
}
