/// The beginnings of record IDs that tell apart all records on one page.
///
/// Of IDs in order only neighbours need comparing, so that a page of a whole casebook is named in
/// O(n log n).
package struct ShortRecordIDs {
    /// Of those that need more digits than usual.
    private var lengths: [String: Int] = [:]

    package init(_ ids: some Sequence<String>) {
        let sorted = Set(ids).sorted()
        for (id, next) in zip(sorted, sorted.dropFirst()) {
            let needed = zip(id.utf8, next.utf8).prefix { $0 == $1 }.count + 1
            guard needed > ShortNames.recordDigits else { continue }
            for id in [id, next] { lengths[id] = max(lengths[id] ?? 0, needed) }
        }
    }

    package subscript(id: String) -> String {
        lengths[id].map { String(id.prefix($0)) } ?? ShortNames.record(id)
    }
}
