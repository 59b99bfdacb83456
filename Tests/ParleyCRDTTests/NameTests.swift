import ParleyCRDT
import ParleyHistories
import Testing

struct FieldNameTests {
    @Test(arguments: ["a", "held_by", "x2", "a__", String(repeating: "a", count: 64)])
    func accepts(text: String) {
        #expect(FieldName(text)?.text == text)
        #expect(FieldName(bytes: Array(text.utf8))?.text == text)
    }

    @Test(arguments: [
        "", "A", "2x", "_x", "held-by", "held by", "hëld", "e\u{301}", "a\0",
        String(repeating: "a", count: 65),
    ])
    func refuses(text: String) {
        #expect(FieldName(text) == nil)
        #expect(FieldName(bytes: Array(text.utf8)) == nil)
    }

    @Test func refusesBytesThatAreNoText() {
        #expect(FieldName(bytes: [0x61, 0xff]) == nil)
    }

    @Test func sortsByBytes() {
        let sorted = ["a", "a2", "a_", "aa", "b"]
        #expect(sorted.reversed().compactMap { FieldName($0) }.sorted().map(\.text) == sorted)
    }
}

struct IdentifierTests {
    private let counting = (0..<32).map { UInt8($0) }

    @Test func bytesComeBackAsTheyWere() {
        #expect(Bytes32(counting)?.bytes == counting)
        #expect(NodeID(bytes: counting)?.bytes == counting)
        #expect(Digest(bytes: counting)?.bytes == counting)
        #expect(HashPrefix(bytes: counting.prefix(16))?.bytes == Array(counting.prefix(16)))
    }

    @Test func wrongLengthsAreRefused() {
        #expect(Bytes32(counting.dropLast()) == nil)
        #expect(Bytes32(counting + [0]) == nil)
        #expect(HashPrefix(bytes: counting.prefix(15)) == nil)
        #expect(HashPrefix(bytes: counting.prefix(17)) == nil)
    }

    @Test func aPrefixIsTheFirstSixteenBytes() {
        #expect(Digest(bytes: counting)?.prefix.bytes == Array(counting.prefix(16)))
    }

    @Test func orderIsThatOfTheBytes() {
        for index in counting.indices {
            var higher = counting
            higher[index] += 1
            #expect(Bytes32(counting)! < Bytes32(higher)!)
            #expect(!(Bytes32(higher)! < Bytes32(counting)!))
        }
        #expect(!(Bytes32(counting)! < Bytes32(counting)!))
    }

    @Test func dotsSortByOriginThenSequenceThenHash() {
        let sorted: [Dot] = [
            .change(1, by: 0), .change(2, by: 0), .change(2, by: 0, branch: 1), .change(1, by: 1),
        ]
        #expect(sorted.reversed().sorted() == sorted)
    }
}
