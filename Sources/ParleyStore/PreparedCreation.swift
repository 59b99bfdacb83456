import ParleyCRDT
package import ParleyLog
import ParleyModel
import ParleyWire

/// What a plain creation comes to, worked out from the change alone.
///
/// Nearly all records of a cold sync are created by a group that writes each field once. Nothing
/// about them depends on the store, so this runs on the caller's thread while the writer is busy
/// with earlier batches; and because every dot is the creation's, the record needs no side blob.
/// Whatever isn't plain goes through `RecordState`; a test holds the two ways against each other.
struct PreparedCreation: Sendable {
    let id: RecordID
    let type: FieldName
    let document: [UInt8]
    /// The record's term of the casebook digest.
    let term: Digest
}

/// Prepares creations one after the other, with what it learnt and the memory it had for those before.
struct CreationPreparer {
    /// Where the operations of the last group stand in the order of their fields. Records entered with
    /// one form have the same.
    private var order: [Int] = []
    private var document = DocumentWriter()
    private var registers = ByteWriter(capacity: 1024)
    private var registerCount = 0
    private var sets = ByteWriter()
    private var setCount = 0
    private var state = ByteWriter(capacity: 1024)

    /// - Returns: `nil` unless each operation writes a field of its own with text.
    mutating func prepare(
        _ group: Group, index: Int, change hash: Digest
    ) -> PreparedCreation? {
        guard group.kind == .record, group.subject == .created,
            case .operations(let type?, let operations) = group.content, sort(operations)
        else { return nil }
        document.removeAll()
        registers.removeAll()
        sets.removeAll()
        (registerCount, setCount) = (0, 0)
        for position in order where !write(operations[position]) { return nil }
        let id = RecordID(change: hash, group: index)
        return PreparedCreation(
            id: id, type: type, document: document.finished(),
            term: term(id: id, type: type, creation: hash))
    }

    /// - Returns: `nil` where a field is named twice or not at all.
    private mutating func sort(_ operations: [Operation]) -> Bool {
        if !isOrder(of: operations) {
            order = operations.indices.sorted {
                CreationPreparer.name(operations[$0]) < CreationPreparer.name(operations[$1])
            }
            guard isOrder(of: operations) else { return false }
        }
        return true
    }

    /// Whether `order` sorts these, each after another name.
    private func isOrder(of operations: [Operation]) -> Bool {
        guard order.count == operations.count else { return false }
        var last = ""
        for position in order {
            let name = CreationPreparer.name(operations[position])
            guard last < name else { return false }
            last = name
        }
        return true
    }

    private static func name(_ operation: Operation) -> String { operation.field?.text ?? "" }

    private mutating func write(_ operation: Operation) -> Bool {
        guard let field = operation.field else { return false }
        switch operation.kind {
        case .write: return operation.values.count == 1 && write(operation.values[0], into: field)
        case .add: return add(operation.values, to: field)
        default: return false
        }
    }

    private mutating func write(_ value: Value, into field: FieldName) -> Bool {
        switch value {
        case .absent: document.write(field, .absent)
        case .text(let text) where UTF8Text.isValid(text): document.write(field, .text(text))
        default: return false
        }
        registers.text(field.text)
        CreationPreparer.cell(of: value, &registers)
        registerCount += 1
        return true
    }

    private mutating func add(_ values: [Value], to field: FieldName) -> Bool {
        guard let elements = CreationPreparer.elements(values) else { return false }
        document.write(field, .elements(elements))
        sets.text(field.text)
        sets.varint(elements.count)
        for element in elements {
            sets.u8(Value.text(element).tag)
            sets.bytes(element)
            CreationPreparer.cell(of: .present, &sets)
        }
        setCount += 1
        return true
    }

    private static func elements(_ values: [Value]) -> [[UInt8]]? {
        var elements: [[UInt8]] = []
        for value in values {
            guard case .text(let text) = value, UTF8Text.isValid(text) else { return nil }
            elements.append(text)
        }
        elements.sort { $0.lexicographicallyPrecedes($1) }
        for index in elements.indices.dropFirst() where elements[index] == elements[index - 1] {
            return nil
        }
        return elements.isEmpty ? nil : elements
    }

    private mutating func term(id: RecordID, type: FieldName, creation hash: Digest) -> Digest {
        state.removeAll()
        state.prefix(HashPrefix(id.value))
        state.text(type.text)
        state.varint(1)
        state.prefix(hash.prefix)
        CreationPreparer.cell(of: .live, &state)
        state.varint(registerCount)
        state.raw(registers.bytes)
        state.varint(setCount)
        state.raw(sets.bytes)
        return Hashing.digest(state.bytes)
    }

    /// One entry, by the only change there is.
    private static func cell(of value: Value, _ writer: inout ByteWriter) {
        writer.varint(1)
        writer.varint(0)
        writer.u8(value.tag)
        writer.bytes(value.payload)
    }
}

/// A verified batch with its plain creations: for each change, for each group.
///
/// A class, because the writer looks at one for every change and shouldn't copy it each time.
package final class PreparedBatch: Sendable {
    package let batch: VerifiedBatch
    let creations: [[PreparedCreation?]]

    init(_ batch: VerifiedBatch) {
        self.batch = batch
        var preparer = CreationPreparer()
        creations = zip(batch.batch.changes, batch.hashes).map { change, hash in
            change.groups.enumerated().map { index, group in
                preparer.prepare(group, index: index, change: hash)
            }
        }
    }
}
