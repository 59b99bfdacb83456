import ParleyCRDT
import ParleyWire

extension Clock {
    private static let entriesPerPage = 1_024

    /// Entries in parts that each fit one message; none are one empty part.
    static func pages(of entries: [Entry]) -> [ArraySlice<Entry>] {
        var pages: [ArraySlice<Entry>] = []
        var rest = entries[...]
        repeat {
            var tips = 0
            let page = rest.prefix(entriesPerPage).prefix { entry in
                defer { tips += entry.tips.count }
                return tips + entry.tips.count <= Limits.tips || tips == 0
            }
            pages.append(page)
            rest.removeFirst(page.count)
        } while !rest.isEmpty
        return pages
    }
}
