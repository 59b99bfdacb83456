import Foundation
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyNode
import Testing

/// What is kept in files between commands, when many run at once.
struct ShownConflictsTests {
    private let homes: Homes

    init() throws {
        homes = try Homes()
        _ = try homes["amal"].create(name: "amal")
    }

    private func key(_ number: Int) -> ShownConflicts.Key {
        ShownConflicts.Key(
            casebook: Hashing.digest([]), record: RecordID(UInt128(number)), field: nil)
    }

    private let dot = Dot(
        origin: Origin(node: Identity.generate().node, epoch: 1), sequence: 1, hash: HashPrefix(1))

    /// Whoever writes last writes what all have noted; in many small rounds, because only the last
    /// write of each could lose something.
    @Test func whatIsNotedAtOnceIsAllKept() async {
        var lost = 0
        for round in 0..<200 {
            let path = homes["amal"].path + "/shown-\(round)"
            let shown = ShownConflicts(path: path)
            await withDiscardingTaskGroup { group in
                for number in 0..<8 {
                    group.addTask { shown.note([(key(number), [dot])]) }
                }
            }
            let later = ShownConflicts(path: path)
            lost += (0..<8).count { later.seen(dot, in: key($0)) != true }
        }
        #expect(lost == 0)
    }

    /// The file always holds one ID, whole.
    @Test func theLastRecordIsOneOfThoseNoted() async {
        let last = LastRecord(path: homes["amal"].path + "/last")
        let ids = (0..<400).map { RecordID(UInt128($0)).text }
        await withTaskGroup(of: String?.self) { group in
            for id in ids {
                group.addTask {
                    last.note(id)
                    return last.id
                }
            }
            var torn = 0
            for await id in group where !ids.contains(id ?? "") { torn += 1 }
            #expect(torn == 0)
        }
        last.finish()
        #expect(LastRecord(path: homes["amal"].path + "/last").id == last.id)
    }
}
