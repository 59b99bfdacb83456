import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// The bytes of a record's state on which every node must agree, and their digest.
///
/// Two casebooks are equal exactly when the sums of their records' digests are: a sum, because it
/// follows one record's change without looking at the others.
/// Specification: Protocol/parley-1.md "Casebook digest"
enum CanonicalState {
    /// A record's term of the sum.
    static func term(of content: RecordContent) -> Digest {
        Hashing.digest(content.id.bytes, bytes(of: content))
    }

    static func bytes(of content: RecordContent) -> [UInt8] {
        let state = content.state
        let hashes = dots(of: state)
        var writer = ByteWriter(capacity: 512)
        writer.text(content.type.text)
        writer.varint(hashes.count)
        for hash in hashes { writer.prefix(hash) }
        write(state.state, hashes, &writer)
        let registers = registers(of: state)
        writer.varint(registers.count)
        for field in registers {
            writer.text(field.name.text)
            write(field.content, hashes, &writer)
        }
        writer.varint(state.sets.count)
        for field in state.sets {
            writer.text(field.name.text)
            writer.varint(field.content.elements.count)
            for element in field.content.elements {
                writer.u8(element.value.tag)
                writer.bytes(element.value.payload)
                write(element.cell, hashes, &writer)
            }
        }
        return writer.bytes
    }

    private static func registers(of state: RecordState) -> [RecordState.Field<Register>] {
        #if DEBUG
            if PlantedDefect.digestIteratesDictionary.isPlanted {
                return Array(Dictionary(state.registers.map { ($0.name, $0) }) { $1 }.values)
            }
        #endif
        return state.registers
    }

    /// The distinct hashes of the changes that still show, sorted.
    private static func dots(of state: RecordState) -> [HashPrefix] {
        var hashes: [HashPrefix] = []
        func note(_ cell: Cell) {
            // Most records show a single change.
            for entry in cell.entries where hashes.last != entry.dot.hash {
                hashes.append(entry.dot.hash)
            }
        }
        note(state.state)
        for field in state.registers { note(field.content) }
        for field in state.sets { for element in field.content.elements { note(element.cell) } }
        guard hashes.count > 1 else { return hashes }
        return Array(Set(hashes)).sorted()
    }

    private static func write(_ cell: Cell, _ hashes: [HashPrefix], _ writer: inout ByteWriter) {
        writer.varint(cell.entries.count)
        let entries = cell.entries.map { entry in
            (index: hashes.sortedIndex(of: entry.dot.hash) ?? 0, value: entry.value)
        }
        let sorted =
            entries.count < 2
            ? entries : entries.sorted { ($0.index, $0.value) < ($1.index, $1.value) }
        for entry in sorted {
            writer.varint(entry.index)
            writer.u8(entry.value.tag)
            writer.bytes(entry.value.payload)
        }
    }
}

extension Array where Element: Comparable {
    /// Where an element stands in an array that is sorted.
    func sortedIndex(of element: Element) -> Int? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == element ? low : nil
    }
}

/// A sum of digests modulo 2^256.
struct DigestSum: Hashable, Sendable {
    private(set) var value: Digest = .zero

    init(_ value: Digest = .zero) {
        self.value = value
    }

    mutating func add(_ term: Digest) {
        let (a, b) = (value.value, term.value)
        let (fourth, c3) = a.fourth.addingReportingOverflow(b.fourth)
        let (third, c2) = DigestSum.sum(a.third, b.third, carry: c3)
        let (second, c1) = DigestSum.sum(a.second, b.second, carry: c2)
        let (first, _) = DigestSum.sum(a.first, b.first, carry: c1)
        value = Digest(Bytes32(first: first, second: second, third: third, fourth: fourth))
    }

    mutating func subtract(_ term: Digest) {
        // a - b = a + ~b + 1.
        let b = term.value
        add(Digest(Bytes32(first: ~b.first, second: ~b.second, third: ~b.third, fourth: ~b.fourth)))
        add(Digest(Bytes32(first: 0, second: 0, third: 0, fourth: 1)))
    }

    private static func sum(_ a: UInt64, _ b: UInt64, carry: Bool) -> (UInt64, Bool) {
        let (partial, first) = a.addingReportingOverflow(b)
        let (total, second) = partial.addingReportingOverflow(carry ? 1 : 0)
        return (total, first || second)
    }
}
