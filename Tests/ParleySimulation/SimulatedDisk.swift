import Foundation
import GRDBSQLite
import NIOConcurrencyHelpers
package import ParleyTestSupport

/// The disk of one machine: real files below SQLite, of which it keeps what a power cut would take
/// back, and which fails where it is told to.
///
/// What was written since a file's last sync may survive a power cut or not, each write for itself;
/// what was synced survives. What a sync couldn't write counts as written from then on, as it does for
/// Linux: it can be read, later syncs succeed, and the next power cut takes it back, unless it was
/// written once more or another file has taken the place of this one. Files of others than SQLite are left alone, but for the generation file,
/// which is never synced.
package final class SimulatedDisk: Sendable {
    /// What happens to an operation that changes something.
    package enum Fault: Equatable, Sendable {
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

        /// Whether it wrote some of the same bytes, or cut them off.
        func covers(_ other: Unsynced) -> Bool {
            let end = after.map { offset + $0.count } ?? .max
            return offset < other.offset + (other.after?.count ?? 0) && other.offset < end
        }
    }

    private struct State {
        var unsynced: [String: [Unsynced]] = [:]
        /// What a sync has failed to write.
        var lost: [String: [Unsynced]] = [:]
        /// Of files that were opened.
        var inodes: [String: UInt64] = [:]
        /// Whether what is in memory outlives the process that ended.
        var keepsMemory = false
        /// How many operations go well before the next fault.
        var next: (after: Int, fault: Fault)?
        var isDead = false
        var isBroken = false
        var breaksAtSync = false
        /// Whether something failed, other than for want of room.
        var hasFailed = false
        /// Files can't grow.
        var isFull = false
        /// Generation files as they were when the power went.
        var generations: [String: Data] = [:]
    }

    let folder: String
    private let state = NIOLockedValueBox(State())

    package init(folder: String) {
        self.folder = folder
        DiskShim.install()
        DiskShim.add(self)
    }

    package func remove() { DiskShim.remove(self) }

    // MARK: Faults

    var isDead: Bool { state.withLockedValue { $0.isDead } }

    /// Whether it has failed since it was last healed, a full disk apart.
    var hasFailed: Bool { state.withLockedValue { $0.hasFailed || $0.isDead } }

    package func plan(_ fault: Fault, after operations: Int) {
        state.withLockedValue { $0.next = (operations, fault) }
    }

    /// The device fails for good at the next sync.
    package func failNextSync() { state.withLockedValue { $0.breaksAtSync = true } }

    func setFull(_ isFull: Bool) { state.withLockedValue { $0.isFull = isFull } }

    /// No fault any more, planned or under way.
    package func heal() {
        state.withLockedValue { state in
            (state.next, state.isBroken, state.isFull) = (nil, false, false)
            (state.breaksAtSync, state.hasFailed) = (false, false)
        }
    }

    /// The power goes now.
    package func cutPower() { state.withLockedValue { die(&$0, keepsAll: false) } }

    private func die(_ state: inout State, keepsAll: Bool) {
        guard !state.isDead else { return }
        state.isDead = true
        state.keepsMemory = keepsAll
        if keepsAll { state.unsynced = [:] }
        for path in files(ending: ".generation") {
            state.generations[path] = FileManager.default.contents(atPath: path)
        }
    }

    /// Brings the files into a state in which the power cut may have left them. Nobody may have one
    /// open.
    package func comeBack(_ random: inout SeededGenerator) {
        let (unsynced, lost, generations) = state.withLockedValue { state in
            let old = state
            state = State()
            guard old.keepsMemory else { return (old.unsynced, old.lost, old.generations) }
            (state.lost, state.inodes) = (old.lost, old.inodes)
            return (old.unsynced, [:], old.generations)
        }
        let survival = random.below(101)
        for (path, writes) in unsynced.sorted(by: { $0.key < $1.key }) {
            guard let first = writes.first, let file = RawFile(path) else { continue }
            for write in writes.reversed() { file.write(write.before, at: write.offset) }
            file.resize(to: first.sizeBefore)
            takeBack(lost[path] ?? [], of: file)
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
        for (path, writes) in lost where unsynced[path] == nil && !writes.isEmpty {
            if let file = RawFile(path) { takeBack(writes, of: file) }
        }
        for (path, content) in generations { try? content.write(to: URL(filePath: path)) }
    }

    /// The file keeps its size; blocks that it got and that were never written are zeros.
    private func takeBack(_ writes: [Unsynced], of file: RawFile) {
        for write in writes.reversed() {
            let count = min(write.after?.count ?? 0, file.size - write.offset)
            let zeros = [UInt8](repeating: 0, count: max(0, count - write.before.count))
            file.write(Array(write.before.prefix(max(0, count))) + zeros, at: write.offset)
        }
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

    func opened(_ path: String, inode: UInt64) {
        state.withLockedValue { state in
            guard state.inodes.updateValue(inode, forKey: path) != inode else { return }
            (state.unsynced[path], state.lost[path]) = (nil, nil)
        }
    }

    /// - Returns: the result code of a write that fails, `nil` for one that goes on.
    func willWrite(
        _ path: String, at offset: Int, _ bytes: [UInt8]?, sizeBefore: Int, before: [UInt8]
    ) -> Int32? {
        state.withLockedValue { state in
            if state.isDead || state.isBroken { return SQLITE_IOERR }
            if state.isFull, let bytes, offset + bytes.count > sizeBefore { return SQLITE_FULL }
            let fault = count(&state)
            if case .broken(let forGood)? = fault {
                (state.isBroken, state.hasFailed) = (forGood, true)
                return SQLITE_IOERR
            }
            let write = Unsynced(
                offset: offset, before: before, sizeBefore: sizeBefore, after: bytes)
            state.unsynced[path, default: []].append(write)
            state.lost[path]?.removeAll { write.covers($0) }
            // The write under way may still have come to something.
            if case .powerCut(let keepsAll)? = fault { die(&state, keepsAll: keepsAll) }
            return nil
        }
    }

    /// Called after a sync.
    func synced(_ path: String) -> Int32? {
        state.withLockedValue { state in
            if state.isDead { return SQLITE_IOERR }
            let isBroken = state.isBroken || state.breaksAtSync
            let fault = isBroken ? .broken(forGood: true) : count(&state)
            if case .broken(let forGood)? = fault {
                (state.isBroken, state.hasFailed) = (forGood, true)
                let writes = state.unsynced.removeValue(forKey: path) ?? []
                state.lost[path, default: []] += writes.filter { $0.after != nil }
                return SQLITE_IOERR
            }
            state.unsynced[path] = nil
            if case .powerCut(let keepsAll)? = fault { die(&state, keepsAll: keepsAll) }
            return nil
        }
    }

    /// Whether a file may be taken away.
    func mayDelete(_ path: String) -> Bool {
        state.withLockedValue { state in
            guard !state.isDead, !state.isBroken else { return false }
            (state.unsynced[path], state.lost[path]) = (nil, nil)
            return true
        }
    }

    private func count(_ state: inout State) -> Fault? {
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

    var size: Int { Int(lseek(descriptor, 0, SEEK_END)) }
    func write(_ bytes: [UInt8], at offset: Int) { pwrite(descriptor, bytes, bytes.count, offset) }
    func resize(to size: Int) { ftruncate(descriptor, size) }
}
