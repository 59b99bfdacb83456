import Foundation
import ParleyStore

/// What copies, backups and rolled-back machines make of a store's files, between two commits.
extension TestNode {
    /// A copy of the whole disk, running on another machine: nothing about its files tells that it
    /// isn't the first.
    func cloned(_ name: String, seed: UInt64) throws -> TestNode {
        let copy = folder.file(name)
        try copyFiles(to: copy)
        try TestNode.pretend(copy)
        let world = TestEnvironment(seed: seed)
        return TestNode(
            folder: folder, identity: identity, world: world,
            store: try CasebookStore.open(
                at: copy, identity: identity, environment: world.environment), path: copy)
    }

    /// The state of the files now, to go back to.
    func snapshot(_ name: String) throws -> String {
        let copy = folder.file(name)
        try copyFiles(to: copy)
        return copy
    }

    /// The machine as a whole goes back to a snapshot: the same files, as they were.
    func rolledBack(to snapshot: String) async throws -> TestNode {
        try await store.close()
        try putBack(snapshot)
        return try opened()
    }

    /// - Precondition: the store is closed.
    func putBack(_ snapshot: String) throws {
        try TestNode.overwrite(path, with: snapshot)
        try TestNode.overwrite(TestNode.generation(path), with: TestNode.generation(snapshot))
        try TestNode.copyLog(from: snapshot, to: path)
    }

    /// Only the database is put back, as a file of its own or into the one that is there.
    func restored(from snapshot: String, inPlace: Bool) async throws -> TestNode {
        try await store.close()
        if inPlace {
            try TestNode.overwrite(path, with: snapshot)
        } else {
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.copyItem(atPath: snapshot, toPath: path)
        }
        try TestNode.copyLog(from: snapshot, to: path)
        return try opened()
    }

    /// The database is overwritten while it is open, as `cp` does, its journal with it or not.
    func overwritten(by snapshot: String, withLog: Bool) throws {
        try TestNode.overwrite(path, with: snapshot)
        guard withLog else { return }
        for file in [path, snapshot] where !FileManager.default.fileExists(atPath: file + "-wal") {
            _ = FileManager.default.createFile(atPath: file + "-wal", contents: nil)
        }
        try TestNode.overwrite(path + "-wal", with: snapshot + "-wal")
    }

    /// The whole folder is copied to another place, and used there.
    func copied(_ name: String, seed: UInt64) throws -> TestNode {
        let copy = folder.file(name)
        try copyFiles(to: copy)
        let world = TestEnvironment(seed: seed)
        return TestNode(
            folder: folder, identity: identity, world: world,
            store: try CasebookStore.open(
                at: copy, identity: identity, environment: world.environment), path: copy)
    }

    private func copyFiles(to copy: String) throws {
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        try FileManager.default.copyItem(
            atPath: TestNode.generation(path), toPath: TestNode.generation(copy))
        try TestNode.copyLog(from: path, to: copy)
    }

    private static func copyLog(from path: String, to copy: String) throws {
        let files = FileManager.default
        if files.fileExists(atPath: copy + "-wal") { try files.removeItem(atPath: copy + "-wal") }
        guard files.fileExists(atPath: path + "-wal") else { return }
        try files.copyItem(atPath: path + "-wal", toPath: copy + "-wal")
    }

    /// Writes into a file that stays the same one.
    private static func overwrite(_ path: String, with other: String) throws {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.truncate(atOffset: 0)
        try file.write(contentsOf: Data(contentsOf: URL(fileURLWithPath: other)))
        try file.close()
    }

    /// Lets a copy's generation file name the copy, as on a copied disk it would.
    private static func pretend(_ path: String) throws {
        let file = generation(path)
        var lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        lines[2] = Substring(FileBirth(path: path).text)
        try (lines.joined(separator: "\n") + "\n").write(
            toFile: file, atomically: false, encoding: .utf8)
    }

    private static func generation(_ path: String) -> String {
        path.replacingOccurrences(of: ".sqlite", with: ".generation")
    }
}
