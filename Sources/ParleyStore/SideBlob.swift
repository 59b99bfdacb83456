import ParleyCRDT
import ParleyWire

/// The part of a record's state that its document can't say: which change wrote what, and the
/// values that aren't shown.
///
/// Absent while the record is as created. Layout, integers as varints: the dots (lane, sequence,
/// hash, time), then the state cell, the registers and the sets, each entry as dot index and value.
/// A register's shown text is tagged 255 and stands in the document, so that long texts aren't
/// stored twice.
struct SideBlob {
    private static let inDocument: UInt8 = 255

    let logs: HeldLogs

    // MARK: Writing

    /// - Throws: `damaged` where a dot's change isn't held.
    func encode(_ content: RecordContent) throws -> [UInt8] {
        let state = content.state
        let dots = Set(
            state.state.entries.map(\.dot)
                + state.registers.flatMap { $0.content.entries.map(\.dot) }
                + state.sets.flatMap { $0.content.elements.flatMap { $0.cell.entries.map(\.dot) } }
        ).sorted()
        var writer = ByteWriter(capacity: 256)
        writer.varint(dots.count)
        for dot in dots {
            writer.varint(try logs.number(of: dot))
            writer.varint(dot.sequence)
            writer.prefix(dot.hash)
            writer.u64(content.time(of: dot).rawValue)
        }
        write(state.state, dots, shown: nil, &writer)
        writer.varint(state.registers.count)
        for field in state.registers {
            let shown = content.shown(in: field.content)?.value
            writer.text(field.name.text)
            write(field.content, dots, shown: shown, &writer)
        }
        writer.varint(state.sets.count)
        for field in state.sets {
            writer.text(field.name.text)
            writer.varint(field.content.elements.count)
            for element in field.content.elements {
                write(element.value, &writer)
                write(element.cell, dots, shown: nil, &writer)
            }
        }
        return writer.bytes
    }

    private func write(
        _ cell: Cell, _ dots: [Dot], shown: Value?, _ writer: inout ByteWriter
    ) {
        writer.varint(cell.entries.count)
        for entry in cell.entries {
            writer.varint(dots.sortedIndex(of: entry.dot) ?? 0)
            if entry.value == shown, Document.validText(entry.value) != nil {
                writer.u8(SideBlob.inDocument)
            } else {
                write(entry.value, &writer)
            }
        }
    }

    private func write(_ value: Value, _ writer: inout ByteWriter) {
        writer.u8(value.tag)
        writer.bytes(value.payload)
    }

    // MARK: Reading

    /// - Throws: `damaged` where it is none.
    func decode(
        _ bytes: [UInt8], document: Document
    ) throws -> (state: RecordState, times: [Dot: HybridTime]) {
        do {
            return try read(bytes, document: document)
        } catch is WireError {
            throw damaged
        }
    }

    private func read(
        _ bytes: [UInt8], document: Document
    ) throws -> (state: RecordState, times: [Dot: HybridTime]) {
        var reader = ByteReader(bytes)
        var dots: [Dot] = []
        var times: [Dot: HybridTime] = [:]
        for _ in 0..<(try reader.count(elementSize: 18)) {
            let origin = try logs.lanes.origin(of: Int(clamping: try reader.varint()))
            let dot = Dot(
                origin: origin, sequence: try reader.varint(), hash: try reader.prefix())
            dots.append(dot)
            times[dot] = HybridTime(rawValue: try reader.u64())
        }
        var state = RecordState()
        state.state = try cell(&reader, dots, shown: nil)
        for _ in 0..<(try reader.count(elementSize: 2)) {
            let name = try name(&reader)
            state[.register(name)] = try cell(&reader, dots, shown: document[name])
        }
        for _ in 0..<(try reader.count(elementSize: 2)) {
            let name = try name(&reader)
            let count = try reader.count(elementSize: 3)
            state.setElements(
                try (0..<count).map { _ in
                    AddWinsSet.Element(
                        value: try value(&reader, tag: try reader.u8()),
                        cell: try cell(&reader, dots, shown: nil))
                }, of: name)
        }
        return (state, times)
    }

    private func name(_ reader: inout ByteReader) throws -> FieldName {
        guard let name = FieldName(bytes: try reader.bytes()) else { throw damaged }
        return name
    }

    private func cell(
        _ reader: inout ByteReader, _ dots: [Dot], shown: Document.Shown?
    ) throws -> Cell {
        var entries: [Cell.Entry] = []
        for _ in 0..<(try reader.count(elementSize: 2)) {
            let index = Int(clamping: try reader.varint())
            guard index < dots.count else { throw damaged }
            let tag = try reader.u8()
            if tag == SideBlob.inDocument {
                guard case .text(let text)? = shown else { throw damaged }
                entries.append(Cell.Entry(dot: dots[index], value: .text(text)))
            } else {
                entries.append(
                    Cell.Entry(dot: dots[index], value: try value(&reader, tag: tag)))
            }
        }
        return Cell(entries)
    }

    private func value(_ reader: inout ByteReader, tag: UInt8) throws -> Value {
        let payload = try reader.bytes()
        switch tag {
        case 0: return .absent
        case 1: return .text(payload)
        case 2: return .present
        case 3: return .live
        case 4: return .deleted
        case 5:
            guard let digest = Digest(bytes: payload) else { throw damaged }
            return .erased(digest)
        default: throw damaged
        }
    }

    private var damaged: StoreError { .damaged("a record's side blob") }
}
