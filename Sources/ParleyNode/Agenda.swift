import NIOConcurrencyHelpers

/// Things to attend to, each once however often it is named before its turn.
///
/// Never longer than there are different things, so it needs no limit at which one would be lost:
/// what was named is attended to at least once after that.
package final class Agenda<Item: Hashable & Sendable>: Sendable {
    /// In the order they were named.
    private let items = NIOLockedValueBox<[Item]>([])
    private let bells: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation

    package init() {
        (bells, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func add(_ item: Item) {
        items.withLockedValue { items in
            if !items.contains(item) { items.append(item) }
        }
        bell.yield()
    }

    /// Calls `body` for what is named, one thing at a time, until cancelled. To be called once.
    package func attend(_ body: (Item) async -> Void) async {
        for await _ in bells {
            while !Task.isCancelled, let item = next() { await body(item) }
        }
    }

    private func next() -> Item? {
        items.withLockedValue { $0.isEmpty ? nil : $0.removeFirst() }
    }
}
