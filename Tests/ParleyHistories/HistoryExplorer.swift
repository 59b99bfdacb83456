package import ParleyCRDT

/// Walks through every history of a shape and holds `RecordState.apply` against
/// `RecordState.meaning`.
///
/// For each history and each change of it that may have arrived last, the state of all others with
/// that change applied must be what the whole set means. Since what is left without its last
/// change is itself a history that is checked, it follows by induction that every causal order of
/// arrival gives the same state, and the one that the set means.
struct HistoryExplorer {
    /// What a change may write, given what its author saw and its place in the causal order.
    typealias Alphabet = (_ seen: RecordState, _ position: Int) -> [[CellWrite]]

    private let order: CausalOrder
    private let alphabet: Alphabet
    /// For each position the closed sets that end there and that a later step needs.
    private let setsEndingAt: [[Int]]
    private let finalChanges: [Int]

    /// The state of every closed set of the changes chosen so far, by bit mask.
    private var states: [RecordState]
    private var edits: [Edit] = []
    private(set) var historyCount = 0
    /// The first few histories that broke the law, in words.
    private(set) var failures: [String] = []

    init(_ shape: CausalShape, alphabet: @escaping Alphabet) {
        let order = CausalOrder(shape)
        self.order = order
        self.alphabet = alphabet
        let final = order.last(of: order.everything)
        finalChanges = final
        let closed = order.closedSets
        setsEndingAt = order.events.indices.map { position in
            let ending = closed.filter { $0 >> position == 1 }
            guard position == order.events.count - 1 else { return ending }
            return ending.filter { set in final.contains { set == order.everything ^ 1 << $0 } }
        }
        states = Array(repeating: RecordState(), count: order.everything + 1)
    }

    /// Checks every history of the shape.
    mutating func run() {
        let position = edits.count
        guard position < order.events.count else { return check() }
        let event = order.events[position]
        for writes in alphabet(states[event.past], position) {
            let edit = Edit(dot: event.dot, context: event.context, writes: writes)
            edits.append(edit)
            for set in setsEndingAt[position] {
                states[set] = states[set ^ 1 << position].applying(edit)
            }
            run()
            edits.removeLast()
        }
    }

    private mutating func check() {
        historyCount += 1
        let meaning = RecordState.meaning(of: edits, in: LinearAncestry())
        for last in finalChanges where failures.count < 3 {
            let state = states[order.everything ^ 1 << last].applying(edits[last])
            if state != meaning {
                failures.append("last \(last) of \(edits): \(state) is not \(meaning)")
            }
        }
    }
}

extension RecordState {
    package func applying(_ edit: Edit) -> RecordState {
        var state = self
        state.apply(edit, in: LinearAncestry())
        return state
    }
}
