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
        return claims + proofs
    }

    /// One sentence per later side, about the sides of other changes before it.
    private var claims: [String] {
        sides.indices.compactMap { index in
            let side = sides[index]
            let isFirstOfChange = !sides[..<index].contains { $0.change == side.change }
            guard isFirstOfChange else {
                return "\(side.name) put this value back, to be chosen among again."
            }
            let earlier = sides[..<index].map {
                "the \(Self.deed($0)) of \(Self.moment($0, beside: side)) by \($0.name)"
            }
            guard !earlier.isEmpty else { return nil }
            return "\(side.name) \(Self.verb(side)) at \(Self.moment(side, beside: sides[0])) "
                + "without having seen \(Self.joined(earlier))"
                + (index == 1 ? ", who had not seen this one either." : ".")
        }
    }

    /// What each author's node held of the others' logs, from the clocks in the answer.
    private var proofs: [String] {
        sides.compactMap { reader in
            guard let seen = reader.answer.seen else { return nil }
            let facts = sides.compactMap { writer in
                Self.fact(reader: reader, writer: writer, seen: seen)
            }
            return facts.isEmpty ? nil : "\(reader.name)'s node then held \(Self.joined(facts))."
        }
    }

    private static func fact(
        reader: ConflictSide, writer: ConflictSide, seen: [String: Int]
    ) -> String? {
        let parts = writer.answer.change.split(separator: ":")
        guard writer.answer.change != reader.answer.change, parts.count == 2,
            let sequence = Int(parts[1].prefix { $0 != "~" })
        else { return nil }
        let held = seen[String(parts[0])] ?? 0
        // Beyond a fork numbers compare nothing; the claim still stands without this proof.
        guard held < sequence else { return nil }
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
