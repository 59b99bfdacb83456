import Logging
import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyStore

/// Looks after the casebooks of a daemon when nothing else happens: indexes words, packs the open
/// tail of logs into large batches, makes the last bytes of what was erased go, checks a file whose
/// last owner didn't close it, and has one opened for which there was no room.
///
/// All of it can wait. Searches are right without the index, only slower, and small batches are
/// only larger in sum. See `TidySchedule` for how long.
final class Caretaker: Sendable {
    /// Steps of indexing in one go; what is left waits for its next turn, behind other casebooks.
    private static let stepsAtOnce = 64
    /// Between two looks whether there is room to open a casebook. Where a quota is in the way that
    /// doesn't show in the room there is; then each look tries it.
    private static let pauseForRoom = Duration.seconds(10)

    private let shelf: Shelf
    private let clock: NodeClock
    private let log: Logger
    private let schedule = NIOLockedValueBox(TidySchedule())
    private let bells: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation

    init(shelf: Shelf, clock: NodeClock, log: Logger) {
        self.shelf = shelf
        self.clock = clock
        self.log = log
        (bells, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Something was committed.
    func touched(_ casebook: Digest) {
        let now = clock.now()
        schedule.withLockedValue { $0.touched(casebook, at: now) }
        bell.yield()
    }

    /// Checks and tidies until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for store in await shelf.stores() where store.wasStoppedUncleanly {
                group.addTask { await self.inspect(store) }
            }
            group.addTask { await self.awaitRoom() }
            for await _ in bells { await tidyWhatIsDue() }
        }
    }

    /// Has casebooks opened for which there was no room, once there is.
    private func awaitRoom() async {
        var lacking = shelf.lackingRoom
        while !lacking.isEmpty {
            guard (try? await clock.sleep(Caretaker.pauseForRoom)) != nil else { return }
            await shelf.openWhatLackedRoom()
            let left = shelf.lackingRoom
            let paths = Set(lacking).subtracting(left)
            for store in await shelf.stores() where paths.contains(store.path) {
                log.notice(
                    "a casebook was opened for which there was no room",
                    metadata: ["file": "\(store.path)"])
                if store.wasStoppedUncleanly { await inspect(store) }
            }
            lacking = left
        }
    }

    private func tidyWhatIsDue() async {
        while !Task.isCancelled, let due = schedule.withLockedValue({ $0.nextDue }) {
            let now = clock.now()
            if now < due {
                guard (try? await clock.sleep(due - now)) != nil else { return }
            }
            let reached = clock.now()
            for casebook in schedule.withLockedValue({ $0.take(at: reached) }) {
                if let store = shelf.store(casebook) { await tidy(store) }
            }
        }
    }

    private func tidy(_ store: CasebookStore) async {
        let isIndexed = await index(store)
        guard !Task.isCancelled else { return }
        _ = try? await store.seal()
        // Somebody may be reading what is to go; then it's tried again.
        let isErased = await finishErasures(in: store)
        log.debug("tidied", metadata: ["file": "\(store.path)"])
        if !isIndexed || !isErased { touched(store.casebookID) }
    }

    /// - Returns: whether nothing is left to do in this casebook; what failed is tried again.
    private func finishErasures(in store: CasebookStore) async -> Bool {
        await shelf.home.removeDrafts(erasedIn: store)
        do {
            return try await store.finishErasures()
        } catch StoreError.closed {
            return true
        } catch {
            log.error("erased bytes can't be taken out yet", metadata: ["file": "\(store.path)"])
            return false
        }
    }

    /// Indexes in small steps with rests as long as they took, so that on a small machine commands
    /// and peers get at least half of what there is.
    ///
    /// - Returns: whether nothing is left.
    private func index(_ store: CasebookStore) async -> Bool {
        for _ in 0..<Caretaker.stepsAtOnce where !Task.isCancelled {
            let start = clock.now()
            guard (try? await store.indexStep()) == true else { return true }
            try? await clock.sleep(clock.now() - start)
        }
        return false
    }

    /// Checks a file in the background after an unclean stop.
    private func inspect(_ store: CasebookStore) async {
        let findings: [String]
        do {
            findings = try await store.damage(by: .pages)
        } catch {
            if Task.isCancelled || error as? StoreError == .closed { return }
            // What can't be read through is damaged, too.
            findings = ["it can't be read through: \(error)"]
        }
        guard let first = findings.first else { return }
        shelf.note(.damaged(NodeError(damaged: store.path, first)), about: store.path)
        log.critical("a casebook's file is damaged", metadata: ["finding": "\(first)"])
    }
}
