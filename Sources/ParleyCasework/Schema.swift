package import ParleyCRDT

/// What records of a casebook may hold: the types people enter, their fields, and the forms of
/// their values.
///
/// A schema is consulted where something is *entered*. Merging never asks it: operations name their
/// own kind, so that a node with an older schema still merges fields it has never heard of. That is
/// why values are checked here, once, and kept exactly as they were accepted.
package struct Schema: Sendable {
    package let name: String
    package let version: UInt64
    /// In the order in which help pages list them.
    package let types: [RecordType]
    private let positions: [FieldName: Int]

    package init(name: String, version: UInt64, types: [RecordType]) {
        self.name = name
        self.version = version
        self.types = types
        positions = Dictionary(
            uniqueKeysWithValues: types.enumerated().map { ($1.name, $0) })
    }

    /// The fields by which records are looked for: references, codes and tags.
    package var indexedFields: [FieldName] {
        Set(types.flatMap(\.fields).filter(\.isIndexed).map(\.name)).sorted()
    }

    package subscript(name: FieldName) -> RecordType? {
        positions[name].map { types[$0] }
    }

    /// Finds the type somebody typed.
    ///
    /// - Throws: `unknownType` with the nearest names.
    package func type(named text: String) throws(EntryError) -> RecordType {
        if let name = FieldName(text), let type = self[name] { return type }
        let names = types.map(\.name)
        let near = NearMiss.names(to: text, in: names)
        throw EntryError(.unknownType(text, near: near.isEmpty ? names : near))
    }
}
