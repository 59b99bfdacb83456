package import ParleyCRDT

/// Finds the names somebody probably meant.
package enum NearMiss {
    /// The names closest to what was typed, best first, at most three.
    ///
    /// A third of the letters may differ; beyond that a suggestion is noise. A beginning always
    /// counts: people abbreviate.
    package static func names(to typed: String, in names: [FieldName]) -> [FieldName] {
        let wanted = Array(typed.lowercased().utf8.prefix(FieldName.maximumByteCount))
        guard !wanted.isEmpty else { return [] }
        let tolerance = max(1, wanted.count / 3)
        let candidates = names.compactMap { name -> (distance: Int, name: FieldName)? in
            let bytes = Array(name.text.utf8)
            if wanted.count > 1, bytes.starts(with: wanted) { return (0, name) }
            let distance = distance(from: wanted, to: bytes)
            return distance <= tolerance ? (distance, name) : nil
        }
        return candidates.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
            .prefix(3).map(\.name)
    }

    /// Insertions, removals, replacements and swaps of neighbours that lead from one to the other.
    ///
    /// Source: Damerau, "A technique for computer detection and correction of spelling errors"
    /// (1964), in the form that edits no substring twice.
    static func distance(from source: [UInt8], to target: [UInt8]) -> Int {
        var twoBack = [Int](repeating: 0, count: target.count + 1)
        var back = Array(0...target.count)
        for (row, byte) in source.enumerated() {
            var current = [row + 1]
            for (column, other) in target.enumerated() {
                let replaced = back[column] + (byte == other ? 0 : 1)
                var best = min(replaced, back[column + 1] + 1, current[column] + 1)
                let isSwap =
                    row > 0 && column > 0 && byte == target[column - 1]
                    && source[row - 1] == other
                if isSwap { best = min(best, twoBack[column - 1] + 1) }
                current.append(best)
            }
            twoBack = back
            back = current
        }
        return back[target.count]
    }
}
