import ParleyCRDT
import ParleyModel
import Testing

/// What operations mean as writes, the touch that follows from an edit included.
struct GroupWritesTests {
    private func writes(_ operations: Operation...) -> [CellWrite]? {
        Group.edit(of: .some, operations).writes
    }

    @Test func aWriteDropsWhatItsAuthorHadAppliedAndTouches() {
        let operation = Operation(.write, field: .place, values: [.of("red")])
        let write = CellWrite(
            target: .register(.place), values: [.of("red")], drops: .covered)
        #expect(writes(operation) == [write, .touch])
    }

    @Test func aResolutionDropsTheChangesItNames() {
        let dots = [Dot.change(3, by: 1), .change(4, by: 2)]
        let operation = Operation(
            .resolve, field: .place, values: [.of("red")], drops: dots.map { DotReference($0) })
        let write = CellWrite(
            target: .register(.place), values: [.of("red")], drops: .named(dots))
        #expect(writes(operation) == [write, .touch])
    }

    @Test func aResolutionOfNothingKnownDropsNothing() {
        let operation = Operation(
            .resolve, field: .place, values: [.of("red")],
            drops: [DotReference(.change(3, by: 1))])
        let writes = Group.edit(of: .some, [operation]).writes { _ in [] }
        #expect(writes?.first?.drops == .named([]))
    }

    @Test func reopeningWritesSeveralValuesToOneCell() {
        let values = [Value.of("red"), .of("blue")]
        let operation = Operation(
            .resolve, field: .place, values: values, drops: [DotReference(.change(3, by: 1))])
        #expect(writes(operation)?.first?.values == values)
    }

    @Test func setOperationsWriteOneCellPerElement() {
        let elements = [Value.of("red"), .of("blue")]
        let added = writes(Operation(.add, field: .place, values: elements))
        #expect(
            added == elements.map {
                CellWrite(target: .element(.place, $0), values: [.present], drops: .covered)
            } + [.touch])
        let removed = writes(Operation(.remove, field: .place, values: elements))
        #expect(
            removed == elements.map {
                CellWrite(target: .element(.place, $0), values: [], drops: .covered)
            } + [.touch])
    }

    @Test func deletingAndRestoringDoNotTouch() {
        let delete = writes(Operation(.setState, field: nil, values: [.deleted]))
        #expect(delete == [CellWrite(target: .state, values: [.deleted], drops: .covered)])
        let dot = Dot.change(3, by: 1)
        let settle = writes(
            Operation(.resolveState, field: nil, values: [.live], drops: [DotReference(dot)]))
        #expect(settle == [CellWrite(target: .state, values: [.live], drops: .named([dot]))])
    }

    @Test func creatingARecordTouchesIt() {
        #expect(Group.creation(type: .place, []).writes == [.touch])
    }

    @Test(arguments: [OperationKind.write, .resolve, .add, .remove])
    func anUnknownOperationLeavesTheWholeGroupWithoutEffect(kind: OperationKind) {
        let known = Operation(kind, field: .place, values: [.of("red")])
        let unknown = Operation(OperationKind(rawValue: 7), field: .place, values: [.of("red")])
        #expect(writes(known) != nil)
        #expect(writes(known, unknown) == nil)
    }

    @Test func groupsThatAreNoRecordsWriteNothing() {
        #expect(Group.reason(Array("seen by two".utf8)).writes == nil)
        let stub = Group(kind: .record, subject: .existing(.some), content: .stub(.zero))
        #expect(stub.writes == nil)
        let payload = Group(kind: .record, subject: .created, content: .payload([1]))
        #expect(payload.writes == nil)
    }
}

/// Operations whose parts don't fit: kept raw, without effect.
struct MisfitOperationTests {
    static let misfits = [
        Operation(.write, field: nil, values: [.of("red")]),
        Operation(.write, field: .place, values: []),
        Operation(.write, field: .place, values: [.live]),
        Operation(.resolve, field: .place, values: [.present]),
        Operation(.add, field: .place, values: [.absent]),
        Operation(.add, field: .place, values: []),
        Operation(.remove, field: .place, values: [.deleted]),
        Operation(.setState, field: .place, values: [.live]),
        Operation(.setState, field: nil, values: []),
        Operation(.setState, field: nil, values: [.absent]),
        Operation(.resolveState, field: nil, values: [.of("live")]),
    ]

    @Test(arguments: misfits)
    func hasNoEffect(operation: Operation) {
        #expect(Group.edit(of: .some, [operation]).writes == nil)
    }

    @Test func erasedValuesStandWhereTextsStood() {
        for kind in [OperationKind.write, .resolve, .add, .remove] {
            let operation = Operation(kind, field: .place, values: [.erased(.zero)])
            #expect(Group.edit(of: .some, [operation]).writes != nil)
        }
    }
}

struct OperationKindTests {
    @Test func numbersAreThoseOfTheWire() {
        let kinds: [OperationKind] = [.write, .resolve, .add, .remove, .setState, .resolveState]
        #expect(kinds.map(\.rawValue) == [1, 2, 3, 4, 5, 6])
        #expect((0...255).filter { OperationKind(rawValue: $0).isKnown } == [1, 2, 3, 4, 5, 6])
        #expect(kinds.map(\.namesField) == [true, true, true, true, false, false])
        #expect(kinds.map(\.namesDrops) == [false, true, false, false, false, true])
    }
}

struct ChangeTests {
    @Test func theReasonIsThatOfItsReasonGroup() {
        let dot = Dot.change(2, by: 1)
        func change(_ groups: [Group]) -> Change {
            Change(
                origin: dot.origin, sequence: dot.sequence, time: HybridTime(milliseconds: 1),
                contextDelta: [], groups: groups)
        }
        let edit = Group.edit(of: .some, [])
        let erased = Group(kind: .reason, subject: .casebook, content: .stub(.zero))
        #expect(change([edit, .reason([1, 2])]).reason == [1, 2])
        #expect(change([edit]).reason == nil)
        #expect(change([edit, erased]).reason == nil)
    }
}

struct DotReferenceTests {
    @Test func aShortReferenceNamesEveryBranch() {
        let short = DotReference(.change(3, by: 1, branch: 7))
        #expect(short.hash == nil)
        #expect(short.names(.change(3, by: 1)))
        #expect(short.names(.change(3, by: 1, branch: 9)))
        #expect(!short.names(.change(4, by: 1)))
        #expect(!short.names(.change(3, by: 2)))
    }

    @Test func aLongReferenceNamesOne() {
        let dot = Dot.change(3, by: 1, branch: 7)
        let long = DotReference(origin: dot.origin, sequence: dot.sequence, hash: dot.hash)
        #expect(long.names(dot))
        #expect(!long.names(.change(3, by: 1, branch: 9)))
    }
}
