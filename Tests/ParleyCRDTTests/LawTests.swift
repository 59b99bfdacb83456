import ParleyCRDT
import ParleyHistories
import Testing

/// The laws of merging on all histories of up to three changes; `ParleyLaws` goes on to five, as
/// optimised code.
struct LawTests {
    @Test(arguments: Law.all, 1...3)
    func holdsOnAllHistories(law: Law, changes: Int) {
        let outcome = law.check(changes: changes)
        #expect(outcome.historyCount > 0)
        #expect(outcome.failures == [])
    }

    /// The three writers' own copies at the end of a history of five changes, in all orders.
    @Test func writersAgreeInWhateverOrderTheyMeet() {
        for shape in CausalShape.all(changes: 5) {
            let order = CausalOrder(shape)
            let edits = Law.mixedEdits(of: order)
            let copies = (0..<CausalShape.writerCount).map { writer in
                let own = order.events.indices.filter {
                    order.events[$0].dot.origin == .writer(writer)
                }
                let known = own.reduce(0) { $0 | order.events[$1].past | 1 << $1 }
                return Replica(of: order.members(of: known).map { edits[$0] })
            }
            let merged = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].map {
                copies[$0[0]].merged(with: copies[$0[1]]).merged(with: copies[$0[2]])
            }
            #expect(Set(merged).count == 1)
            #expect(merged[0].state == RecordState.meaning(of: edits, in: LinearAncestry()))
        }
    }
}

struct CausalShapeTests {
    /// Counted independently by a script that shares no code with this one.
    @Test func thereAreThisManyShapes() {
        #expect((0...5).map { CausalShape.all(changes: $0).count } == [1, 1, 3, 12, 58, 339])
    }

    @Test func contextsAreCausallyClosed() {
        for shape in CausalShape.all(changes: 4) {
            let order = CausalOrder(shape)
            for event in order.events {
                let isClosed = order.members(of: event.past).allSatisfy {
                    order.events[$0].past & ~event.past == 0
                }
                #expect(isClosed)
            }
        }
    }
}
