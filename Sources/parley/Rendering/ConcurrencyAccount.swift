/// Says in plain words why values stand beside each other: none of their authors had seen the
/// others', which each one's clock proves.
struct ConcurrencyAccount {
    private let sides: [ConflictSide]

    /// - Parameter sides: oldest first.
    init(_ sides: [ConflictSide]) {
        self.sides = sides
    }

    var sentences: [String] {
        guard sides.count > 1 else { return ["Only one value is left; nothing to settle."] }
        return claims + reopenings + proofs
    }

    /// One sentence per later side, about the sides of other changes before it.
    private var claims: [String] {
        sides.indices.compactMap { index in
            let side = sides[index]
            let earlier = sides[..<index]
            guard !earlier.contains(where: { $0.change == side.change }) else {
                return "\(side.name) put this value back, to be chosen among again."
            }
            guard let first = earlier.first else { return nil }
            let unseen = earlier.filter { !side.hasSeen($0) }
            let seen = earlier.filter { side.hasSeen($0) }
            let clauses = [
                unseen.isEmpty ? nil : "without having seen \(list(unseen, beside: side))",
                seen.isEmpty ? nil : "knowing of \(list(seen, beside: side))",
            ].compactMap(\.self)
            let isMutual = index == 1 && seen.isEmpty && !first.hasSeen(side)
            return "\(side.name) \(Self.verb(side)) at \(Self.moment(side, beside: sides[0])) "
                + clauses.joined(separator: ", but ")
                + (isMutual ? ", who had not seen this one either." : ".")
        }
    }

    private func list(_ earlier: [ConflictSide], beside side: ConflictSide) -> String {
        Self.joined(
            earlier.map {
                "the \(Self.deed($0)) of \(Self.moment($0, beside: side)) by \($0.name)"
            })
    }

    /// Who put values of a settled conflict back beside each other.
    private var reopenings: [String] {
        let sentences = sides.compactMap { side in
            side.answer.reopened.map {
                "\($0.by) put them back at \(LocalTime.shown($0.at)), to be chosen among again."
            }
        }
        return Set(sentences).sorted()
    }

    /// What each author's node held of the others' logs, from the clocks in the answer.
    private var proofs: [String] {
        sides.compactMap { reader in
            let facts = sides.compactMap { Self.fact(reader: reader, writer: $0) }
            return facts.isEmpty ? nil : "\(reader.name)'s node then held \(Self.joined(facts))."
        }
    }

    private static func fact(reader: ConflictSide, writer: ConflictSide) -> String? {
        // Beyond a fork numbers compare nothing; the claim still stands without this proof.
        guard let (origin, sequence) = writer.position, let seen = reader.answer.seen,
            reader.position?.origin != origin, !reader.hasSeen(writer)
        else { return nil }
        let held = seen[origin] ?? 0
        let amount = held == 0 ? "none of" : "\(held) of"
        return "\(amount) \(writer.name)'s changes, and \(writer.change) is number \(sequence)"
    }

    private static func deed(_ side: ConflictSide) -> String {
        side.answer.value == .text("deleted") ? "deletion" : "edit"
    }

    private static func verb(_ side: ConflictSide) -> String {
        side.answer.value == .text("deleted") ? "deleted it" : "wrote"
    }

    /// As precise as needed: the day only where it differs, seconds only within one minute.
    private static func moment(_ side: ConflictSide, beside other: ConflictSide) -> String {
        guard let time = LocalTime(side.answer.at), let reference = LocalTime(other.answer.at)
        else {
            return PrintableText.line(side.answer.at)
        }
        if time.date != reference.date { return time.dateAndClock }
        let isSameMinute = time != reference && time.clock == reference.clock
        return isSameMinute ? time.preciseClock : time.clock
    }

    private static func joined(_ parts: [String]) -> String {
        guard parts.count > 1, let last = parts.last else { return parts.first ?? "" }
        return parts.dropLast().joined(separator: ", ") + " and " + last
    }
}
