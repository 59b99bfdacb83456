import ParleyCRDT
import ParleyCasework
import Testing

extension String {
    /// For names in tests.
    var asName: FieldName { FieldName(self)! }
}

@Suite struct SchemaTests {
    @Test func everyTypeHasATitleANoteAndTags() {
        let named: Set<String> = ["person", "actor", "facility", "source"]
        for type in Schema.casework.types {
            let title = named.contains(type.name.text) ? "name" : "title"
            #expect(type.titleField == title.asName, "\(type.name)")
            #expect(type["note".asName]?.kind == .register, "\(type.name)")
            #expect(type["tags".asName]?.kind == .set, "\(type.name)")
        }
    }

    @Test func anExchangeHasWhatTheFirstReleaseAsksFor() throws {
        let exchange = try Schema.casework.type(named: "exchange")
        for name in ["parties", "mediators", "sources"] {
            #expect(try exchange.field(named: name).kind == .set)
        }
        for name in ["released_by_a", "released_by_b"] {
            #expect(try exchange.field(named: name).form == .count)
        }
        #expect(try exchange.field(named: "date").form == .date)
        #expect(try exchange.field(named: "narrative").form == .longText)
    }

    @Test func theBenchWorkloadFitsAReport() throws {
        let report = try Schema.casework.type(named: "report")
        let names = [
            "kind", "title", "place", "facility", "status", "held_by", "date", "count", "url",
            "notes", "note",
        ]
        for name in names { #expect(try report.field(named: name).kind == .register) }
    }

    /// Whoever can tell who a person is must be able to take that back alone.
    @Test func whatIdentifiesPeopleIsSensitive() throws {
        let person = try Schema.casework.type(named: "person")
        for name in ["name", "names", "identifiers", "family_contact"] {
            #expect(try person.field(named: name).isSensitive)
        }
        #expect(try !Schema.casework.type(named: "exchange").field(named: "date").isSensitive)
    }

    @Test(arguments: [
        ("exchnage", "exchange"), ("Exchange", "exchange"), ("detantion", "detention"),
    ])
    func aMistypedTypeIsSuggested(typed: String, meant: String) {
        let error = #expect(throws: EntryError.self) { try Schema.casework.type(named: typed) }
        guard case .unknownType(typed, let near) = error?.code else {
            Issue.record("not refused as a type")
            return
        }
        #expect(near.first == meant.asName)
    }

    @Test(arguments: [("mediator", "mediators"), ("narative", "narrative"), ("palce", "place")])
    func aMistypedFieldIsSuggested(typed: String, meant: String) throws {
        let type = try Schema.casework.type(named: "exchange")
        let error = #expect(throws: EntryError.self) { try type.field(named: typed) }
        #expect(error?.explanation.contains("Did you mean `\(meant)`") == true)
    }

    @Test func whereNothingIsNearAllAreNamed() throws {
        let error = #expect(throws: EntryError.self) {
            try Schema.casework.type(named: "zzzzzz")
        }
        for type in Schema.casework.types {
            #expect(error?.explanation.contains(type.name.text) == true)
        }
    }

    /// A value typed where a name belongs must not be repeated.
    @Test func whatDoesNotLookLikeANameIsNotRepeated() throws {
        let error = #expect(throws: EntryError.self) {
            try Schema.casework.type(named: "exchange").field(named: "Ahmad of Idlib")
        }
        #expect(error?.explanation.contains("Idlib") == false)
    }
}
