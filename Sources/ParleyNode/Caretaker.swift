import Logging
import ParleyStore
import Synchronization

/// Looks after the casebooks of a daemon when nothing else happens: indexes words, packs the open
/// tail of logs into large batches, and checks a file whose last owner didn't close it.
///
/// All of it can wait. Searches are right without the index, only slower, and small batches are
/// only larger in sum; so work begins after a pause, and a commit starts the pause anew.
final class Caretaker: Sendable {
    private static let pause: Duration = .seconds(2)

    private let pending = Mutex<[ObjectIdentifier: Task<Void, Never>]>([:])
    private let shelf: Shelf
    private let log: Logger

    init(shelf: Shelf, log: Logger) {
        self.shelf = shelf
        self.log = log
    }

    /// Something was committed; tidies up once it has been quiet for a while.
    func touched(_ store: CasebookStore) {
        let task = Task {
            guard (try? await Task.sleep(for: Caretaker.pause)) != nil else { return }
            await Caretaker.index(store)
            guard !Task.isCancelled else { return }
            _ = try? await store.seal()
        }
        pending.withLock { $0.updateValue(task, forKey: ObjectIdentifier(store)) }?.cancel()
    }

    /// Indexes in small steps with rests as long as they took, so that on a small machine commands
    /// and peers get at least half of what there is.
    private static func index(_ store: CasebookStore) async {
        let clock = ContinuousClock()
        while !Task.isCancelled {
            let start = clock.now
            guard (try? await store.indexStep()) == true else { return }
            try? await Task.sleep(for: start.duration(to: clock.now))
        }
    }

    /// Checks a file in the background after an unclean stop.
    func inspect(_ store: CasebookStore) {
        guard store.wasStoppedUncleanly else { return }
        let (shelf, log) = (shelf, log)
        Task {
            let findings: [String]
            do {
                findings = try await store.quickCheck()
            } catch StoreError.closed {
                return
            } catch {
                // What can't be read through is damaged, too.
                findings = ["it can't be read through: \(error)"]
            }
            guard let first = findings.first else { return }
            log.critical("a casebook's file is damaged", metadata: ["finding": "\(first)"])
            shelf.note(NodeError(damaged: store.path, first), about: store.path)
        }
    }

    func stop() {
        let tasks = pending.withLock { pending in
            defer { pending = [:] }
            return Array(pending.values)
        }
        for task in tasks { task.cancel() }
    }
}
