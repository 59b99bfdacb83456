import Foundation
import GRDBSQLite
import ParleyTestSupport
import Synchronization

/// The disk of one machine: real files below SQLite, of which it keeps what a power cut would take
/// back, and which fails where it is told to.
///
/// What was written since a file's last sync may survive a power cut or not, each write for itself;
/// what was synced survives. Files of others than SQLite are left alone, but for the generation file,
/// which is never synced.
final class SimulatedDisk: Sendable {
    /// What happens to an operation that changes something.
    enum Fault: Equatable, Sendable {
        /// The process ends: nothing more reaches the disk until it is started again. What was not
        /// synced is kept where only the process ended, and may be lost with the machine's power.
        case powerCut(keepsAll: Bool)
        /// The device fails, this once or from now on.
        case broken(forGood: Bool)
    }

    /// Something written since the last sync.
    private struct Unsynced {
        let offset: Int
        let before: [UInt8]
        let sizeBefore: Int
        /// `nil` where the file was cut to `offset`.
        let after: [UInt8]?
    }

    private struct State {
        var unsynced: [String: [Unsynced]] = [:]
        /// How many operations go well before the next fault.
        var next: (after: Int, fault: Fault)?
        var isDead = false
        var isBroken = false
        /// Whether something failed, other than for want of room.
        var hasFailed = false
        /// Files can't grow.
        var isFull = false
        var operations = 0
        /// Generation files as they were when the power went.
        var generations: [String: Data] = [:]
    }

    let folder: String
    private let state = Mutex(State())

    init(folder: String) {
        self.folder = folder
        DiskShim.install()
        DiskShim.add(self)
    }

    func remove() { DiskShim.remove(self) }

    // MARK: Faults

    var isDead: Bool { state.withLock { $0.isDead } }
    /// Operations that changed something, so far.
    var operations: Int { state.withLock { $0.operations } }

    /// Whether it has failed since it was last healed, a full disk apart.
    var hasFailed: Bool { state.withLock { $0.hasFailed || $0.isDead } }

    func plan(_ fault: Fault, after operations: Int) {
        state.withLock { $0.next = (operations, fault) }
    }

    func setFull(_ isFull: Bool) { state.withLock { $0.isFull = isFull } }

    /// No fault any more, planned or under way.
    func heal() {
        state.withLock { state in
            (state.next, state.isBroken, state.isFull) = (nil, false, false)
            state.hasFailed = false
        }
    }

    /// The power goes now.
    func cutPower() { state.withLock { die(&$0, keepsAll: false) } }

    private func die(_ state: inout State, keepsAll: Bool) {
        guard !state.isDead else { return }
        state.isDead = true
        if keepsAll { state.unsynced = [:] }
        for path in files(ending: ".generation") {
            state.generations[path] = FileManager.default.contents(atPath: path)
        }
    }

    /// Brings the files into a state in which the power cut may have left them. Nobody may have one
    /// open.
    func comeBack(_ random: inout SeededGenerator) {
        let (unsynced, generations) = state.withLock { state in
            defer {
                state = State()
            }
            return (state.unsynced, state.generations)
        }
        let survival = random.below(101)
        for (path, writes) in unsynced.sorted(by: { $0.key < $1.key }) {
            guard let first = writes.first, let file = RawFile(path) else { continue }
            for write in writes.reversed() { file.undo(write.offset, write.before) }
            file.resize(to: first.sizeBefore)
            for write in writes where random.chance(percent: survival) {
                if let bytes = write.after {
                    // The last one may be torn.
                    let isTorn = random.chance(percent: 10)
                    file.write(
                        Array(bytes.prefix(isTorn ? random.below(bytes.count + 1) : bytes.count)),
                        at: write.offset)
                } else {
                    file.resize(to: write.offset)
                }
            }
        }
        for (path, content) in generations { try? content.write(to: URL(filePath: path)) }
    }

    /// Turns one bit of one file around, while nothing is open.
    func rot(_ random: inout SeededGenerator) -> Bool {
        let paths = files(ending: ".sqlite") + files(ending: ".sqlite-wal")
        guard !paths.isEmpty else { return false }
        let path = random.element(of: paths.sorted())
        guard var content = FileManager.default.contents(atPath: path), !content.isEmpty,
            let file = RawFile(path)
        else { return false }
        let place = random.below(content.count)
        content[place] ^= 1 << UInt8(random.below(8))
        file.write([content[place]], at: place)
        return true
    }

    private func files(ending suffix: String) -> [String] {
        let below = FileManager.default.enumerator(atPath: folder)
        return (below?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(suffix) }
            .map { folder + "/" + $0 }
    }

    // MARK: What SQLite does

    /// - Returns: the result code of a write that fails, `nil` for one that goes on.
    func willWrite(
        _ path: String, at offset: Int, _ bytes: [UInt8]?, sizeBefore: Int, before: [UInt8]
    ) -> Int32? {
        state.withLock { state in
            if state.isDead || state.isBroken { return SQLITE_IOERR }
            if state.isFull, let bytes, offset + bytes.count > sizeBefore { return SQLITE_FULL }
            let fault = count(&state)
            if case .broken(let forGood)? = fault {
                (state.isBroken, state.hasFailed) = (forGood, true)
                return SQLITE_IOERR
            }
            state.unsynced[path, default: []].append(
                Unsynced(offset: offset, before: before, sizeBefore: sizeBefore, after: bytes))
            // The write under way may still have come to something.
            if case .powerCut(let keepsAll)? = fault { die(&state, keepsAll: keepsAll) }
            return nil
        }
    }

    /// Called after a sync.
    func synced(_ path: String) -> Int32? {
        state.withLock { state in
            if state.isDead || state.isBroken { return SQLITE_IOERR }
            let fault = count(&state)
            if case .broken(let forGood)? = fault {
                (state.isBroken, state.hasFailed) = (forGood, true)
                return SQLITE_IOERR
            }
            state.unsynced[path] = nil
            if case .powerCut(let keepsAll)? = fault { die(&state, keepsAll: keepsAll) }
            return nil
        }
    }

    /// Whether a file may be taken away.
    func mayDelete(_ path: String) -> Bool {
        state.withLock { state in
            guard !state.isDead, !state.isBroken else { return false }
            state.unsynced[path] = nil
            return true
        }
    }

    private func count(_ state: inout State) -> Fault? {
        state.operations += 1
        guard let next = state.next else { return nil }
        guard next.after == 0 else {
            state.next = (next.after - 1, next.fault)
            return nil
        }
        state.next = nil
        return next.fault
    }
}

/// A file past SQLite.
private final class RawFile {
    private let descriptor: Int32

    init?(_ path: String) {
        descriptor = open(path, O_RDWR | O_CLOEXEC)
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    func undo(_ offset: Int, _ before: [UInt8]) { write(before, at: offset) }
    func write(_ bytes: [UInt8], at offset: Int) { pwrite(descriptor, bytes, bytes.count, offset) }
    func resize(to size: Int) { ftruncate(descriptor, size) }
}
