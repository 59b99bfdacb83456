import ParleyCRDT
import ParleyCasework
import ParleyControl
import ParleyModel

/// Turns what somebody typed about one record into operations, all of it or nothing.
struct EditPlan {
    let type: RecordType
    /// The elements of a set that are there now, which is what clearing it removes.
    let present: (FieldName) -> [Value]
    /// Completes a record ID that was typed in short.
    let completeReference: (String) throws -> String

    private var typed: [Operation] = []
    /// Sets of which only what this plan adds is to be left.
    private var cleared: [FieldDefinition] = []

    init(
        type: RecordType, present: @escaping (FieldName) -> [Value] = { _ in [] },
        completeReference: @escaping (String) throws -> String = { $0 }
    ) {
        self.type = type
        self.present = present
        self.completeReference = completeReference
    }

    var operations: [Operation] { typed + cleared.compactMap(clearing) }

    /// - Throws: `EntryError` where a name or value is refused.
    mutating func add(_ assignment: Request.Assignment) throws {
        let field = try type.field(named: assignment.field)
        try add(assignment.operator, assignment.value, to: field)
    }

    /// - Parameter field: one of the type's.
    mutating func add(
        _ operator: Request.Assignment.Operator, _ text: String, to field: FieldDefinition
    ) throws {
        switch (`operator`, field.kind) {
        case (.set, .register): try write(try value(text, of: field), to: field)
        case (.unset, .register): try write(.absent, to: field)
        case (.add, .set): try change(.add, try value(text, of: field), in: field)
        case (.remove, .set): try change(.remove, try element(text, of: field), in: field)
        case (.unset, .set): try clear(field)
        case (.set, .set):
            throw EntryError(.setNeedsElements(field: field.name))
        case (.add, .register), (.remove, .register):
            throw EntryError(.registerNeedsValue(field: field.name))
        }
    }

    /// What is to be taken out of a set. A record it names may be gone, so that its ID is completed
    /// by what is in the set.
    private func element(_ text: String, of field: FieldDefinition) throws -> Value {
        let digits = text.withoutDirectionMarks.lowercased()
        let meant = present(field.name).filter { value in
            guard case .text(let bytes) = value else { return false }
            return String(decoding: bytes, as: UTF8.self).hasPrefix(digits)
        }
        guard field.form == .reference, digits.utf8.count >= 4, meant.count == 1 else {
            return try value(text, of: field)
        }
        return meant[0]
    }

    /// Checks a value and gives it the form that is kept.
    func value(_ text: String, of field: FieldDefinition) throws -> Value {
        do {
            let complete = field.form == .reference ? try completeReference(text) : text
            return .text(try field.form.accept(complete))
        } catch let error as ValueError {
            throw EntryError(.value(error, field: field.name, form: field.form))
        }
    }

    private mutating func write(_ value: Value, to field: FieldDefinition) throws {
        guard !typed.contains(where: { $0.field == field.name }) else {
            throw EntryError(.repeatedField(field.name))
        }
        typed.append(
            Operation(
                .write, field: field.name, values: [value], isSensitive: field.isSensitive))
    }

    /// Gathers the elements of one set into one operation; no element is named twice.
    private mutating func change(
        _ kind: OperationKind, _ element: Value, in field: FieldDefinition
    ) throws {
        let isNamed = typed.contains { $0.field == field.name && $0.values.contains(element) }
        let isCleared = kind == .remove && cleared.contains { $0.name == field.name }
        guard !isNamed, !isCleared else { throw EntryError(.repeatedField(field.name)) }
        let index = typed.firstIndex { $0.field == field.name && $0.kind == kind }
        let elements = index.map { typed[$0].values } ?? []
        let operation = Operation(
            kind, field: field.name, values: elements + [element], isSensitive: field.isSensitive)
        if let index { typed[index] = operation } else { typed.append(operation) }
    }

    private mutating func clear(_ field: FieldDefinition) throws {
        let isNamed =
            cleared.contains { $0.name == field.name }
            || typed.contains { $0.field == field.name && $0.kind == .remove }
        guard !isNamed else { throw EntryError(.repeatedField(field.name)) }
        cleared.append(field)
    }

    /// Removes what is there and isn't added in the same breath; a cell is written once.
    private func clearing(_ field: FieldDefinition) -> Operation? {
        let added = typed.filter { $0.field == field.name }.flatMap(\.values)
        let elements = present(field.name).filter { !added.contains($0) }
        guard !elements.isEmpty else { return nil }
        return Operation(
            .remove, field: field.name, values: elements, isSensitive: field.isSensitive)
    }
}
