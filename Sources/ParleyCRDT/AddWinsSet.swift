/// A set in which an add wins over a remove that had not seen it: one cell per element.
///
/// Source: Shapiro et al., "A comprehensive study of CRDTs" (2011), §3.3.5, observed-remove set;
/// with causal contexts in place of tombstones as in Almeida et al., "Delta State Replicated Data
/// Types" (2018), §7.
package struct AddWinsSet: Hashable, Sendable {
    package struct Element: Hashable, Sendable {
        package let value: Value
        package let cell: Cell

        package init(value: Value, cell: Cell) {
            self.value = value
            self.cell = cell
        }
    }

    /// Sorted by value; only elements that are present.
    package private(set) var elements: [Element] = []

    package init() {}

    package var values: [Value] { elements.map(\.value) }

    package subscript(value: Value) -> Cell {
        get {
            let position = position(of: value)
            guard position < elements.count, elements[position].value == value else {
                return Cell()
            }
            return elements[position].cell
        }
        set { replace([Element(value: value, cell: newValue)]) }
    }

    /// Puts cells in the place of those that stand for the same values; an empty cell takes its
    /// element away.
    ///
    /// - Parameter changed: in any order, none twice.
    package mutating func replace(_ changed: [Element]) {
        guard changed.count > 1 else {
            for element in changed { replace(element) }
            return
        }
        var merged: [Element] = []
        merged.reserveCapacity(elements.count + changed.count)
        var rest = elements[...]
        for element in changed.sorted(by: { $0.value < $1.value }) {
            while let next = rest.first, next.value < element.value {
                merged.append(next)
                rest.removeFirst()
            }
            if rest.first?.value == element.value { rest.removeFirst() }
            if !element.cell.isEmpty { merged.append(element) }
        }
        elements = merged + rest
    }

    private mutating func replace(_ element: Element) {
        let position = position(of: element.value)
        if position < elements.count, elements[position].value == element.value {
            elements.remove(at: position)
        }
        if !element.cell.isEmpty { elements.insert(element, at: position) }
    }

    /// The first position whose value is not below `value`.
    private func position(of value: Value) -> Int {
        var low = 0
        var high = elements.count
        while low < high {
            let middle = (low + high) / 2
            if elements[middle].value < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
