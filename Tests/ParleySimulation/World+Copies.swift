import Foundation
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTestSupport
import ParleyWire

/// What copies, backups, rolled-back machines and bad disks make of a node's files.
extension World {
    private static let copiesLimit = 7

    /// Keeps the files as they are between two commits.
    func snapshot(_ machine: Machine) {
        guard machine.condition == .running else { return }
        let copy = folder + "/snapshot-\(machine.index)-\(machine.snapshots.count)"
        try? FileManager.default.createDirectory(
            atPath: copy, withIntermediateDirectories: true)
        for suffix in CasebookFiles.suffixes {
            CasebookFiles.copy(machine.path, to: copy + "/x.sqlite", suffix)
        }
        machine.snapshots.append(
            Machine.Snapshot(folder: copy, acknowledged: Set(watch.acknowledged.keys)))
    }

    /// The files go back: all of them with the machine, or only the database.
    func restore(_ machine: Machine, _ random: inout SeededGenerator) async throws {
        guard machine.condition == .running, !machine.snapshots.isEmpty else { return }
        let snapshot = random.element(of: machine.snapshots)
        hangUp(machine)
        await machine.stop()
        // Without power nobody puts anything back.
        guard !machine.disk.isDead else {
            return try await losePower(machine, restartsAfter: 1_000)
        }
        watch.wentBack(machine)
        await excuse(machine) { dot, author in
            author != machine.index || !snapshot.acknowledged.contains(dot)
        }
        let source = snapshot.folder + "/x.sqlite"
        switch random.below(3) {
        case 0:
            // As a virtual machine does: nothing tells that it went back.
            watch.mayFork(machine)
            for suffix in CasebookFiles.suffixes {
                CasebookFiles.overwrite(machine.path, with: source, suffix)
            }
        case 1:
            for suffix in ["", "-wal"] {
                CasebookFiles.overwrite(machine.path, with: source, suffix)
            }
        default:
            try? FileManager.default.removeItem(atPath: machine.path)
            for suffix in ["", "-wal"] { CasebookFiles.copy(source, to: machine.path, suffix) }
        }
        restart(machine, after: UInt64(random.below(30_000)))
    }

    /// What only this machine has goes with its files, and nobody can be blamed for that.
    ///
    /// - Parameter isAtRisk: which acknowledged edits may be lost, by dot and author.
    private func excuse(_ machine: Machine, _ isAtRisk: (Dot, Int) -> Bool) async {
        var lost: Set<Dot> = []
        for (dot, author) in watch.acknowledged where isAtRisk(dot, author) {
            var isElsewhere = false
            for other in machines where other !== machine && other.condition == .running {
                guard let store = other.store, !other.isHostile,
                    !watch.rotten.contains(other.index)
                else { continue }
                let known = try? await store.read { try $0.loggedChange(dot) != nil }
                isElsewhere = isElsewhere || known == true
            }
            if !isElsewhere { lost.insert(dot) }
        }
        watch.excuse(lost)
    }

    /// A copy of the whole disk starts as a machine of its own; half of them can't tell that they
    /// are copies.
    func clone(_ machine: Machine, _ random: inout SeededGenerator) async throws {
        guard machine.condition == .running, machines.count < World.copiesLimit,
            !machine.isHostile
        else { return }
        let copy = Machine(
            index: machines.count, identity: machine.identity, name: machine.name,
            folder: folder, seed: random.next(), isClone: true)
        for suffix in CasebookFiles.suffixes {
            CasebookFiles.copy(machine.path, to: copy.path, suffix)
        }
        if random.chance(percent: 50) {
            watch.mayFork(machine)
            try CasebookFiles.pretend(copy.path)
        }
        if watch.rotten.contains(machine.index) { watch.rotted(copy) }
        copy.clock.now = now
        copy.clock.inherit(machine.clock.latest)
        machines.append(copy)
        try await start(copy)
    }

    /// The machine is switched off, and one bit of its files turns around.
    func rot(_ machine: Machine, _ random: inout SeededGenerator) async throws {
        guard machine.condition == .running, machine.index > 0, !machine.isClone else { return }
        hangUp(machine)
        await machine.stop()
        await excuse(machine) { _, _ in true }
        watch.rotted(machine)
        watch.mayFork(machine)
        _ = machine.disk.rot(&random)
        restart(machine, after: 2_000)
    }
}

/// A casebook's files, as others handle them.
enum CasebookFiles {
    /// The generation file's name has no `.sqlite`.
    static let suffixes = ["", "-wal", ".generation"]

    private static func path(_ store: String, _ suffix: String) -> String {
        suffix == ".generation"
            ? store.replacingOccurrences(of: ".sqlite", with: suffix) : store + suffix
    }

    static func copy(_ store: String, to other: String, _ suffix: String) {
        let files = FileManager.default
        let (source, target) = (path(store, suffix), path(other, suffix))
        if files.fileExists(atPath: target) { try? files.removeItem(atPath: target) }
        guard files.fileExists(atPath: source) else { return }
        try? files.copyItem(atPath: source, toPath: target)
    }

    /// Writes into a file that stays the same one.
    static func overwrite(_ store: String, with other: String, _ suffix: String) {
        let (source, target) = (path(other, suffix), path(store, suffix))
        guard let content = FileManager.default.contents(atPath: source) else {
            try? FileManager.default.removeItem(atPath: target)
            return
        }
        guard let file = FileHandle(forWritingAtPath: target) else {
            return copy(other, to: store, suffix)
        }
        try? file.truncate(atOffset: 0)
        try? file.write(contentsOf: content)
        try? file.close()
    }

    /// Lets a copy's generation file name the copy, as on a copied disk it would.
    static func pretend(_ store: String) throws {
        let file = path(store, ".generation")
        var lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        lines[2] = Substring(FileBirth(path: store).text)
        try (lines.joined(separator: "\n") + "\n").write(
            toFile: file, atomically: false, encoding: .utf8)
    }
}
