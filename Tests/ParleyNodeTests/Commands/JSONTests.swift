import ParleyNode
import Testing

@Suite struct JSONTests {
    @Test func objectsKeepTheirOrder() {
        let value = JSONValue.object([
            ("b", .integer(1)), ("a", .array([.null, .bool(true), .string("x")])),
        ])
        #expect(value.text == #"{"b":1,"a":[null,true,"x"]}"#)
    }

    @Test func stringsAreEscapedAsFarAsNeeded() {
        let value = JSONValue.string("\"\\/\n\t\r\u{1}\u{7F}é سلام")
        #expect(value.text == "\"\\\"\\\\/\\n\\t\\r\\u0001\u{7F}é سلام\"")
    }

    /// Reading and writing again changes nothing but space.
    @Test(arguments: [
        (
            #" { "a" : [ 1 , -2.5e+3 , 0 ] , "b" : { } , "c" : [ ] } "#,
            #"{"a":[1,-2.5e+3,0],"b":{},"c":[]}"#
        ),
        (#""A\u00e9\ud83d\ude00\/""#, "\"Aé😀/\""), ("true", "true"), ("null", "null"),
    ])
    func readsWhatItWrites(text: String, written: String) throws {
        #expect(try JSONParser.parse(text).text == written)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "01", "-", "1.", "1e", "\"", "\"\\x\"",
        "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\\u+123\"", "\"\\u-000\"",
        "\"\\u12\"", "\"a\nb\"", "tru", "1 2", "{} x", "[1 2]", "nul", "+1", ".5",
    ])
    func refusesWhatIsNoJSON(text: String) {
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(text) }
    }

    @Test func nestingIsBounded() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(deep) }
        let fits = String(repeating: "[", count: 8) + String(repeating: "]", count: 8)
        #expect((try? JSONParser.parse(fits)) != nil)
        #expect((try? JSONParser.parse("[" + fits + "]")) == nil)
    }

    /// Cut and altered documents are read or refused; nothing traps.
    @Test func anyTextIsReadOrRefused() {
        let document = Array(#"{"type":"x","fields":{"a":"\u00e9","b":[1,-2e3]}}"#.utf8)
        for index in document.indices {
            for byte: UInt8 in [0, 34, 44, 92, 123, 125, 255] {
                var altered = document
                altered[index] = byte
                _ = try? JSONParser.parse(String(decoding: altered, as: UTF8.self))
                _ = try? JSONParser.parse(String(decoding: altered[..<index], as: UTF8.self))
            }
        }
    }
}
