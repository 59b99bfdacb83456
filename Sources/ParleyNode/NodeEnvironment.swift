package import ParleyStore

/// What a node takes from the world, injected so that tests can stage it.
package struct NodeEnvironment: Sendable {
    package var store: StoreEnvironment
    /// The room left on the disk that holds a folder.
    package var freeSpace: @Sendable (String) -> FreeSpace
    /// How long an inviter has for its answer, and again for the beginning of the casebook.
    package var joinPatience: Duration

    package init(
        store: StoreEnvironment = .system,
        freeSpace: @escaping @Sendable (String) -> FreeSpace = { FreeSpace(at: $0) },
        joinPatience: Duration = .seconds(30)
    ) {
        self.store = store
        self.freeSpace = freeSpace
        self.joinPatience = joinPatience
    }

    /// This machine.
    package static let system = NodeEnvironment()
}
