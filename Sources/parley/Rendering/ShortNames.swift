/// Shortest names that still tell apart what stands on one page.
package enum ShortNames {
    /// People see this much of a record's ID, and more where two on a page begin alike: see
    /// `ShortRecordIDs`.
    static let recordDigits = 8
    /// The least of a node's digits in a change's name.
    private static let nodeDigits = 4
    private static let fingerprintDigits = 8

    package static func record(_ id: String) -> String {
        String(id.prefix(recordDigits))
    }

    static func node(_ node: String) -> String {
        String(node.prefix(fingerprintDigits))
    }

    /// `NODE.EPOCH:SEQUENCE` cut to the shortest beginning that fits only one of `origins`.
    ///
    /// A change of an unexpected form is left as it is. A branch's `~HASH` is kept.
    package static func change(_ change: String, among origins: some Sequence<String>) -> String {
        guard let colon = change.firstIndex(of: ":"), let name = OriginName(change[..<colon]) else {
            return change
        }
        let others = Set(origins.map { $0.prefix { $0 != "~" } }).compactMap { OriginName($0) }
        let nodes = others.map(\.node).filter { $0 != name.node }
        let length = unambiguousLength(of: name.node, among: nodes, atLeast: nodeDigits)
        var short = String(name.node.prefix(length))
        let epochs = others.filter { $0.node == name.node && $0.epoch != name.epoch }.map(\.epoch)
        if !epochs.isEmpty {
            let length = unambiguousLength(of: name.epoch, among: epochs, atLeast: 2)
            short += "." + name.epoch.prefix(length)
        }
        return short + change[colon...]
    }

    private static func unambiguousLength(
        of name: String, among names: [String], atLeast minimum: Int
    ) -> Int {
        names.filter { $0 != name }.reduce(minimum) {
            max($0, name.commonPrefix(with: $1).count + 1)
        }
    }

    /// `NODE16.EPOCH16`
    private struct OriginName {
        let node: String
        let epoch: String

        init?(_ text: some StringProtocol) {
            let halves = text.split(separator: ".", omittingEmptySubsequences: false)
            guard halves.count == 2 else { return nil }
            node = String(halves[0])
            epoch = String(halves[1])
        }
    }
}

extension String {
    fileprivate func commonPrefix(with other: String) -> Substring {
        let length = zip(self, other).prefix { $0 == $1 }.count
        return prefix(length)
    }
}
