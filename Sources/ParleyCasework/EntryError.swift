package import ParleyCRDT

/// Why something entered was refused, before anything was written.
package struct EntryError: Error, Hashable, Sendable {
    package enum Code: Hashable, Sendable {
        case unknownType(String, near: [FieldName])
        /// `type` is `nil` where fields of all types were meant.
        case unknownField(String, type: FieldName?, near: [FieldName])
        case value(ValueError, field: FieldName, form: ValueForm)
        /// `=` on a set.
        case setNeedsElements(field: FieldName)
        /// `+=` or `-=` on a register.
        case registerNeedsValue(field: FieldName)
        case repeatedField(FieldName)
    }

    package let code: Code

    package init(_ code: Code) {
        self.code = code
    }

    /// What is wrong and what to type instead: one or two sentences that follow
    /// "cannot ...: ". Never holds a value.
    package var explanation: String {
        switch code {
        case .unknownType(let typed, let near):
            "there is no record type \(EntryError.quoted(typed)). \(EntryError.suggestion(near, else: "`parley new --help` names some."))"
        case .unknownField(let typed, let type, let near):
            "\(type.map { "type `\($0)`" } ?? "no type") has \(type == nil ? "a" : "no") field \(EntryError.quoted(typed)). \(EntryError.suggestion(near, else: "`parley show` lists those in use."))"
        case .value(let error, let field, let form):
            EntryError.explanation(of: error, field: field, form: form)
        case .setNeedsElements(let field):
            "`\(field)` is a set. Add an element with `\(field)+=ELEMENT`, remove one with `\(field)-=ELEMENT` and all with `\(field):=`."
        case .registerNeedsValue(let field):
            "`\(field)` holds one value. Write it with `\(field)=VALUE` and clear it with `\(field):=`."
        case .repeatedField(let field):
            "`\(field)` is given twice. Write each field once, and each element of a set once."
        }
    }

    private static func explanation(
        of error: ValueError, field: FieldName, form: ValueForm
    ) -> String {
        switch error {
        case .empty:
            "the value for `\(field)` is empty. Write \(form.acceptedForms), or clear the field with `\(field):=`."
        case .tooLong(let bytes):
            "the value for `\(field)` has \(bytes) bytes, the limit is \(ValueForm.maximumByteCount). Shorten it or split it over several notes."
        case .controlCharacter:
            "the value for `\(field)` holds a control character. Write \(form.acceptedForms)."
        case .wrongForm:
            "the value for `\(field)` has no form a \(form.noun) can have. Write \(form.acceptedForms)."
        }
    }

    /// A few names are guesses at what was meant; many are all there are.
    private static func suggestion(_ near: [FieldName], else fallback: String) -> String {
        guard !near.isEmpty else { return fallback }
        guard near.count <= 4 else {
            return "There are \(near.map(\.text).joined(separator: ", "))."
        }
        return "Did you mean \(near.map { "`\($0)`" }.joined(separator: " or "))?"
    }

    /// What was typed, as long as it looks like a name: anything else may be a misplaced value.
    private static func quoted(_ typed: String) -> String {
        FieldName(typed.lowercased()) == nil ? "of that name" : "`\(typed)`"
    }
}

extension ValueForm {
    fileprivate var noun: String {
        switch self {
        case .text, .longText, .choice: "text"
        case .date: "date"
        case .count: "count"
        case .reference: "reference"
        }
    }
}
