import ParleyControl

/// The first items of a list, and whether there are more.
struct Page<Item> {
    let items: [Item]
    /// `nil` where these are all.
    let part: ListPart?

    /// Asks for one item more than is wanted, and counts only where there is one.
    ///
    /// - Parameters:
    ///   - limit: 0 for all.
    ///   - list: the first so many items; 0 for all.
    ///   - total: how many there are in all, `nil` where that takes too long to find out.
    init(
        limit: Int, _ list: (Int) throws -> [Item], total: () throws -> Int? = { nil }
    ) rethrows {
        let isEndless = limit == 0 || limit == .max
        let found = try list(isEndless ? 0 : limit + 1)
        guard !isEndless, found.count > limit else {
            self.init(found, part: nil)
            return
        }
        self.init(
            Array(found.prefix(limit)), part: ListPart(shown: limit, total: try total()))
    }

    private init(_ items: [Item], part: ListPart?) {
        self.items = items
        self.part = part
    }

    func compactMap<Other>(_ transform: (Item) throws -> Other?) rethrows -> Page<Other> {
        Page<Other>(try items.compactMap(transform), part: part)
    }
}

extension Page: Sendable where Item: Sendable {}
