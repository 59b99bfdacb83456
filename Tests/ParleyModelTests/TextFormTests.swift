import ParleyCRDT
import ParleyModel
import Testing

struct HexadecimalTests {
    @Test func everyByteComesBack() {
        let bytes = (0...255).map { UInt8($0) }
        let text = Hexadecimal.text(of: bytes)
        #expect(text.hasPrefix("000102") && text.hasSuffix("fdfeff"))
        #expect(Hexadecimal.bytes(of: text) == bytes)
        #expect(Hexadecimal.bytes(of: text.uppercased()) == bytes)
    }

    @Test func theEmptyTextIsNoBytes() {
        #expect(Hexadecimal.bytes(of: "") == [])
        #expect(!Hexadecimal.isDigits(""))
    }

    @Test(arguments: ["a", "0g", "0x", " 1", "+1", "é0", "１２", "a\u{301}b"])
    func refuses(text: String) {
        #expect(Hexadecimal.bytes(of: text) == nil)
    }
}

struct NameTextTests {
    @Test func aNodeIsSixtyFourDigitsAndItsFingerprintTheFirstSixteen() {
        let node = Dot.change(1, by: 0x3f).origin.node
        #expect(node.text == String(repeating: "3f", count: 32))
        #expect(node.fingerprint == String(repeating: "3f", count: 8))
        #expect(NodeID(text: node.text) == node)
        #expect(NodeID(text: node.fingerprint) == nil)
    }

    @Test func anOriginIsFingerprintAndEpoch() {
        #expect(Dot.change(1, by: 0x3f).origin.text == "3f3f3f3f3f3f3f3f.7d00000000000042")
    }

    @Test func aChangeIsOriginAndNumber() {
        let dot = Dot.change(42, by: 0x3f, branch: 0x1234_5678)
        #expect(dot.text == "3f3f3f3f3f3f3f3f.7d00000000000042:42")
        #expect(dot.longText == "3f3f3f3f3f3f3f3f.7d00000000000042:42~12345678")
    }
}

struct RecordIDTests {
    @Test func itsTextIsThirtyTwoDigits() {
        let id = RecordID(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f)
        #expect(id.text == "000102030405060708090a0b0c0d0e0f")
        #expect(RecordID(text: id.text) == id)
        #expect(RecordID(text: id.text.uppercased()) == id)
        #expect(RecordID(bytes: id.bytes) == id)
    }

    @Test(arguments: [
        "", "00", "000102030405060708090a0b0c0d0e0f00", "zz0102030405060708090a0b0c0d0e0f",
    ])
    func refuses(text: String) {
        #expect(RecordID(text: text) == nil)
    }

    @Test func sortsAsItsTextDoes() {
        let ids = [RecordID(1), RecordID(1 << 127), RecordID(.max), RecordID(0)].sorted()
        #expect(ids.map(\.text) == ids.map(\.text).sorted())
    }
}

struct DotPatternTests {
    private let dot = Dot.change(42, by: 0x3f, branch: 0x1234_5678)

    @Test(arguments: [
        "3f:42", "3:42", "3F3f:42", "3f.7d:42", "3f3f3f3f3f3f3f3f.7d00000000000042:42",
        "3f:42~12", "3f:42~12345678", "3f.7D:42~123",
    ])
    func anyBeginningNamesTheChange(text: String) throws {
        #expect(try #require(DotPattern(text)).matches(dot))
    }

    @Test(arguments: ["3e:42", "3f.7e:42", "3f:43", "3f:42~13", "3f.7d0000000000004200:42"])
    func somethingElseDoesNot(text: String) throws {
        #expect(!(try #require(DotPattern(text)).matches(dot)))
    }

    @Test(arguments: [dotTexts(42), dotTexts(1), dotTexts(.max)])
    func whatWePrintIsRead(texts: [String]) throws {
        for text in texts { #expect(DotPattern(text) != nil, "\(text)") }
    }

    @Test func theWholeNodeIDIsABeginningToo() throws {
        #expect(try #require(DotPattern("\(dot.origin.node.text):42")).matches(dot))
    }

    @Test(arguments: [
        "", ":", "3f", "3f:", ":42", "3f:0", "3f:-1", "3f:+42", "3f:4 2", "3f:42:1", "xy:42",
        "3f.zz:42", "3f:42~zz", ".7d:42", "3f:18446744073709551616", "3f:４２", "3f.:42", "3f:42~",
    ])
    func refuses(text: String) {
        #expect(DotPattern(text) == nil)
    }

    private static func dotTexts(_ sequence: UInt64) -> [String] {
        let dot = Dot.change(sequence, by: 9, branch: 0xabcd)
        return [dot.text, dot.longText]
    }
}
