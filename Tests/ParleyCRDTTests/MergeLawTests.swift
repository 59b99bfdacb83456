import ParleyCRDT
import Testing

/// Merging replicas, clocks included. Which writes the changes make hardly matters here -
/// `AllHistoriesTests` has them all - so each shape gets a mix of them.
struct MergeLawTests {
    @Test(arguments: 1...4)
    func mergeIsCommutativeAndIdempotent(changes: Int) {
        for replicas in CausalShape.all(changes: changes).map(partialReplicas) {
            for first in replicas {
                #expect(first.merged(with: first) == first)
                for second in replicas {
                    let merged = first.merged(with: second)
                    #expect(merged == second.merged(with: first))
                    #expect(merged.merged(with: second) == merged)
                }
            }
        }
    }

    @Test(arguments: 1...3)
    func mergeIsAssociative(changes: Int) {
        for replicas in CausalShape.all(changes: changes).map(partialReplicas) {
            for first in replicas {
                for second in replicas {
                    let merged = first.merged(with: second)
                    for third in replicas {
                        let other = first.merged(with: second.merged(with: third))
                        #expect(merged.merged(with: third) == other)
                    }
                }
            }
        }
    }

    /// The three writers' own copies at the end of a history of five changes, in all orders.
    @Test func writersAgreeInWhateverOrderTheyMeet() {
        for shape in CausalShape.all(changes: 5) {
            let order = CausalOrder(shape)
            let edits = mixedEdits(of: order)
            let copies = (0..<CausalShape.writerCount).map { writer in
                let own = order.events.indices.filter {
                    order.events[$0].dot.origin == .writer(writer)
                }
                let known = own.reduce(0) { $0 | order.events[$1].past | 1 << $1 }
                return replica(of: order.members(of: known).map { edits[$0] })
            }
            let merged = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].map {
                copies[$0[0]].merged(with: copies[$0[1]]).merged(with: copies[$0[2]])
            }
            #expect(Set(merged).count == 1)
            #expect(merged[0].state == RecordState.meaning(of: edits, in: LinearAncestry()))
        }
    }

    /// One replica for every causally closed part of a history.
    private func partialReplicas(of shape: CausalShape) -> [Replica] {
        let order = CausalOrder(shape)
        let edits = mixedEdits(of: order)
        return order.closedSets.map { set in
            replica(of: order.members(of: set).map { edits[$0] })
        }
    }

    private func replica(of edits: [Edit]) -> Replica {
        var replica = Replica()
        for edit in edits { replica.apply(edit) }
        return replica
    }

    private func mixedEdits(of order: CausalOrder) -> [Edit] {
        let mix: [[CellWrite]] = [
            [.write(.red), .add(.red), .touch], [.write(.blue), .remove(.red), .touch], [.delete],
            [.add(.blue), .touch], [.write(.red), .restore],
        ]
        return order.events.enumerated().map { position, event in
            Edit(dot: event.dot, context: event.context, writes: mix[position % mix.count])
        }
    }
}
