import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// A record's merged state, with what canonical form, storage and display need beside it.
struct RecordContent {
    let id: RecordID
    let type: FieldName
    var state: RecordState
    /// Where the record was created.
    let creation: Dot
    let creationTime: HybridTime
    /// When the other changes that still show were made.
    var times: [Dot: HybridTime]

    func time(of dot: Dot) -> HybridTime {
        dot == creation ? creationTime : times[dot] ?? HybridTime(rawValue: 0)
    }

    /// The entry shown where several values stand: newest hybrid time, then origin. This decides
    /// what a list prints and nothing else.
    func shown(in cell: Cell) -> Cell.Entry? {
        guard cell.entries.count > 1 else { return cell.entries.first }
        return cell.entries.max { (time(of: $0.dot), $0) < (time(of: $1.dot), $1) }
    }

    var document: Document {
        var document = Document()
        var registers = state.registers[...]
        var sets = state.sets[...]
        while !registers.isEmpty || !sets.isEmpty {
            if let set = sets.first, registers.first.map({ set.name < $0.name }) ?? true {
                sets.removeFirst()
                let elements = set.content.values.compactMap(Document.validText)
                if !elements.isEmpty { document.append(set.name, .elements(elements)) }
            } else {
                let register = registers.removeFirst()
                // A name used both ways shows the register; the side blob has both.
                if sets.first?.name == register.name { sets.removeFirst() }
                let value = shown(in: register.content)?.value ?? .absent
                document.append(
                    register.name, Document.validText(value).map { .text($0) } ?? .absent)
            }
        }
        return document
    }

    var listing: Listing {
        guard state.isLive else { return .deleted }
        return state.state.isConflict ? .both : .live
    }

    /// The fields somebody has to choose for; the empty name stands for the record's state. A
    /// deleted record has none until it is restored.
    var conflicts: [String] {
        guard state.isLive else { return [] }
        return (state.state.isConflict ? [""] : []) + state.conflictingFields.map(\.text)
    }

    /// How a record is listed.
    enum Listing: Int {
        case live = 0
        case deleted = 1
        /// An edit against a delete: listed, and marked.
        case both = 2
    }
}

extension Document {
    /// The text of a value that JSON can hold.
    static func validText(_ value: Value) -> [UInt8]? {
        guard case .text(let bytes) = value, String(validating: bytes, as: UTF8.self) != nil
        else { return nil }
        return bytes
    }
}
