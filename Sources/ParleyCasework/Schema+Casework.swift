extension Schema {
    /// The built-in schema for documenting prisoner exchanges.
    ///
    /// Fields are plain registers and sets; what *sources* say, and disagree about, goes into
    /// `claim` records, so that a dispute never looks like a conflict between analysts.
    package static let casework = Schema(
        name: "casework", version: 1,
        types: RecordType.exchanges + RecordType.custodies + RecordType.sources
            + RecordType.circumstances + RecordType.teamwork)
}

extension RecordType {
    /// A type whose records are called by a title.
    static func titled(
        _ name: String, _ summary: String, _ fields: [FieldDefinition]
    ) -> RecordType {
        RecordType(name, summary, [.text("title")] + fields + shared)
    }

    /// A type whose records have a name of their own.
    static func named(
        _ name: String, _ summary: String, _ sensitivity: FieldDefinition.Sensitivity,
        _ fields: [FieldDefinition]
    ) -> RecordType {
        RecordType(name, summary, [.text("name", sensitivity)] + fields + shared)
    }

    /// What every type has.
    private static let shared: [FieldDefinition] = [.longText("note"), .set("tags", .open)]
}
