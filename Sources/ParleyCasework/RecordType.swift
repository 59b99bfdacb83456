package import ParleyCRDT

/// One kind of record: its name, what it is for, and its fields.
package struct RecordType: Sendable {
    package let name: FieldName
    /// What it records, for help pages.
    package let summary: String
    /// In the order in which a form would show them.
    package let fields: [FieldDefinition]
    private let positions: [FieldName: Int]

    /// - Parameter fields: the first one names the record in lists: `title` or `name`.
    init(_ name: String, _ summary: String, _ fields: [FieldDefinition]) {
        self.name = FieldName(literal: name)
        self.summary = summary
        self.fields = fields
        positions = Dictionary(
            uniqueKeysWithValues: fields.enumerated().map { ($1.name, $0) })
    }

    package subscript(name: FieldName) -> FieldDefinition? {
        positions[name].map { fields[$0] }
    }

    /// The field that names a record in lists.
    package var titleField: FieldName { fields[0].name }

    /// Finds the field somebody typed.
    ///
    /// - Throws: `unknownField` with the nearest names, or all where none is near.
    package func field(named text: String) throws(EntryError) -> FieldDefinition {
        if let name = FieldName(text), let field = self[name] { return field }
        let names = fields.map(\.name)
        let near = NearMiss.names(to: text, in: names)
        throw EntryError(.unknownField(text, type: name, near: near.isEmpty ? names : near))
    }
}

extension FieldName {
    /// For names written in this program: a wrong one is our own mistake.
    init(literal: String) {
        guard let name = FieldName(literal) else { preconditionFailure("no name: \(literal)") }
        self = name
    }
}
