package import ParleyCRDT

/// One field of a record type: how its values merge, what form they have, who should see them.
package struct FieldDefinition: Sendable {
    package enum Kind: Hashable, Sendable {
        /// One value; concurrent ones conflict.
        case register
        /// Elements that come and go one by one and never conflict.
        case set
    }

    /// How far a value may travel, from least to most protected.
    ///
    /// Source: casework §9 (four classes, defaults per field).
    package enum Sensitivity: Int, Comparable, Sendable {
        case open, team, restricted, sealed

        package static func < (left: Sensitivity, right: Sensitivity) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    package let name: FieldName
    package let kind: Kind
    package let form: ValueForm
    package let sensitivity: Sensitivity

    /// Whether each value gets a salt of its own in the log, so that it can be taken back alone.
    package var isSensitive: Bool { sensitivity >= .restricted }

    /// Whether records are found by its values without reading all of them.
    package var isIndexed: Bool {
        switch form {
        case .reference, .choice: true
        case .text, .longText, .date, .count: name.text == "tags"
        }
    }

    private init(_ name: String, _ kind: Kind, _ form: ValueForm, _ sensitivity: Sensitivity) {
        self.name = FieldName(literal: name)
        self.kind = kind
        self.form = form
        self.sensitivity = sensitivity
    }

    static func text(_ name: String, _ sensitivity: Sensitivity = .team) -> FieldDefinition {
        FieldDefinition(name, .register, .text, sensitivity)
    }

    static func longText(_ name: String, _ sensitivity: Sensitivity = .team) -> FieldDefinition {
        FieldDefinition(name, .register, .longText, sensitivity)
    }

    static func date(_ name: String, _ sensitivity: Sensitivity = .team) -> FieldDefinition {
        FieldDefinition(name, .register, .date, sensitivity)
    }

    static func count(_ name: String) -> FieldDefinition {
        FieldDefinition(name, .register, .count, .team)
    }

    static func reference(
        _ name: String, _ sensitivity: Sensitivity = .team
    ) -> FieldDefinition {
        FieldDefinition(name, .register, .reference, sensitivity)
    }

    static func choice(
        _ name: String, _ vocabulary: Vocabulary, _ sensitivity: Sensitivity = .team
    ) -> FieldDefinition {
        FieldDefinition(name, .register, .choice(vocabulary), sensitivity)
    }

    static func set(_ name: String, _ sensitivity: Sensitivity = .team) -> FieldDefinition {
        FieldDefinition(name, .set, .text, sensitivity)
    }

    static func references(
        _ name: String, _ sensitivity: Sensitivity = .team
    ) -> FieldDefinition {
        FieldDefinition(name, .set, .reference, sensitivity)
    }
}
