import ParleyCRDT

/// Says in a plain sentence why one side of a conflict stands beside the others: "written at 10:58
/// without having seen the edit of 10:42 by Nour". Times are UTC.
struct ConcurrencyWording {
    private let side: FieldConflict.Side
    private let others: [FieldConflict.Side]
    private let days: Set<String>

    init(_ side: FieldConflict.Side, in conflict: FieldConflict) {
        self.side = side
        others = conflict.sides.filter { $0.author.dot != side.author.dot }
        let authors = conflict.sides.flatMap { [$0.author, $0.reopening].compactMap(\.self) }
        days = Set(authors.map { Timestamp($0.time).day })
    }

    var text: String {
        let unseen = others.filter { !side.hasSeen($0.author.dot) }
        let left = others.filter { side.hasSeen($0.author.dot) }
        let clauses = [
            unseen.isEmpty ? nil : "without having seen \(list(unseen))",
            left.isEmpty ? nil : consequence(for: left),
            side.reopening.map {
                "put back at \(time($0)) by \($0.name), to be chosen among again"
            },
        ]
        let deed = "\(verb(side)) at \(time(of: side))"
        let rest = clauses.compactMap(\.self).joined(separator: ", ")
        return rest.isEmpty ? deed : "\(deed) \(rest)"
    }

    /// What having seen the others means: they were left to be chosen among, or, where all were put
    /// back later, rejected at the time.
    private func consequence(for seen: [FieldConflict.Side]) -> String {
        side.reopening == nil
            ? "leaving \(list(seen)) to be chosen among" : "knowing of \(list(seen))"
    }

    private func verb(_ side: FieldConflict.Side) -> String {
        switch side.value {
        case .deleted: "deleted"
        case .live: "edited"
        case .absent: "cleared"
        case .text, .present, .erased: "written"
        }
    }

    private func list(_ sides: [FieldConflict.Side]) -> String {
        let phrases = sides.map { other in
            let noun = other.value == .deleted ? "deletion" : "edit"
            return "the \(noun) of \(time(of: other)) by \(other.author.name)"
        }
        // Several values of one change are one edit.
        let distinct = phrases.enumerated().filter { !phrases[..<$0.offset].contains($0.element) }
        return distinct.map(\.element).joined(separator: " and ")
    }

    /// The time of day, with the day where the sides are of several.
    private func time(of side: FieldConflict.Side) -> String { time(side.author) }

    private func time(_ author: Authorship) -> String {
        let time = Timestamp(author.time)
        return days.count == 1 ? time.timeOfDay : "\(time.day) \(time.timeOfDay)"
    }
}
