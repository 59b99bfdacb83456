import ParleyCRDT
import ParleyHistories
import Testing

struct CellTests {
    let first = Dot.change(1, by: 0)
    let second = Dot.change(1, by: 1)

    @Test func aLoneValueIsNoConflict() {
        let cell = Cell([Cell.Entry(dot: first, value: .red)])
        #expect(cell.distinctValues == [.red])
        #expect(!cell.isConflict)
    }

    @Test func differentValuesAreAConflict() {
        let cell = Cell([
            Cell.Entry(dot: second, value: .red), Cell.Entry(dot: first, value: .blue),
        ])
        #expect(cell.isConflict)
        #expect(cell.distinctValues == [.blue, .red])
        #expect(cell.entries.map(\.dot) == [first, second], "sorted by dot")
    }

    @Test func equalValuesNeverConflict() {
        let cell = Cell([Cell.Entry(dot: first, value: .red), Cell.Entry(dot: second, value: .red)])
        #expect(!cell.isConflict)
        #expect(cell.distinctValues == [.red])
        #expect(cell.entries.count == 2, "who wrote it is kept")
    }

    @Test func unsettingConflictsLikeAnyValue() {
        let cell = Cell([
            Cell.Entry(dot: first, value: .absent), Cell.Entry(dot: second, value: .red),
        ])
        #expect(cell.isConflict)
    }

    @Test func entriesAreASet() {
        let entry = Cell.Entry(dot: first, value: .red)
        #expect(Cell([entry, entry]) == Cell([entry]))
        var cell = Cell()
        cell.write([.red, .blue, .red], dot: first) { _ in false }
        #expect(cell.entries.map(\.value) == [.blue, .red])
    }

    @Test func aWriteDropsBeforeItAdds() {
        var cell = Cell([Cell.Entry(dot: first, value: .red)])
        cell.write([.red], dot: second) { _ in true }
        #expect(cell.entries == [Cell.Entry(dot: second, value: .red)])
    }

    @Test func writingNothingOnlyDrops() {
        var cell = Cell([Cell.Entry(dot: first, value: .present)])
        cell.write([], dot: second) { _ in true }
        #expect(cell.isEmpty)
        #expect(!cell.isConflict)
    }
}

struct ValueTests {
    /// "é" as one code point and as two are one Swift string and two values.
    @Test func textComparesAsBytes() {
        let composed = Value.of("\u{e9}")
        let decomposed = Value.of("e\u{301}")
        #expect("\u{e9}" == "e\u{301}")
        #expect(composed != decomposed)
    }

    @Test func valuesSortByTagThenPayload() {
        let erased = Value.erased(.zero)
        let sorted: [Value] = [
            .absent, .of(""), .of("a"), .of("ab"), .of("b"), .present, .live, .deleted, erased,
        ]
        #expect(sorted.reversed().sorted() == sorted)
        #expect(sorted.map(\.tag) == [0, 1, 1, 1, 1, 2, 3, 4, 5])
        #expect(erased.payload == Digest.zero.bytes)
    }
}

struct AddWinsSetTests {
    private func cell(_ writer: Int) -> Cell {
        Cell([Cell.Entry(dot: .change(1, by: writer), value: .present)])
    }

    @Test func elementsAreSortedAndUnique() {
        var set = AddWinsSet()
        set[.red] = cell(0)
        set[.blue] = cell(1)
        set[.red] = cell(2)
        #expect(set.values == [.blue, .red])
        #expect(set[.red] == cell(2))
    }

    @Test func anEmptiedElementIsGone() {
        var set = AddWinsSet()
        set[.red] = cell(0)
        set[.red] = Cell()
        #expect(set == AddWinsSet())
        #expect(set[.red].isEmpty)
    }
}
