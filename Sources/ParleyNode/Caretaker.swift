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
    private let log: Logger

    init(log: Logger) {
        self.log = log
    }

    /// Something was committed; tidies up once it has been quiet for a while.
    func touched(_ store: CasebookStore) {
        let task = Task {
            guard (try? await Task.sleep(for: Caretaker.pause)) != nil else { return }
            try? await store.indexSearch()
            guard !Task.isCancelled else { return }
            _ = try? await store.seal()
        }
        pending.withLock { $0.updateValue(task, forKey: ObjectIdentifier(store)) }?.cancel()
    }

    /// Checks a file in the background after an unclean stop.
    func inspect(_ store: CasebookStore) {
        guard store.wasStoppedUncleanly else { return }
        let log = log
        Task {
            let findings = (try? await store.quickCheck()) ?? []
            for finding in findings {
                log.critical("a casebook's file is damaged", metadata: ["finding": "\(finding)"])
            }
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
