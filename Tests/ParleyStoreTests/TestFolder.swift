import Foundation
import GRDB
import ParleyCRDT
import ParleyWire

/// A folder that goes when the test does.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "parley-store-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: nil)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { path + "/" + name + ".sqlite" }
}

/// A database file as any other program would open it, to look at it and to damage it.
struct SQLiteFile {
    private let path: String

    init(_ path: String) {
        self.path = path
    }

    /// - Precondition: no store has the file open.
    func run(_ sql: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    /// The first column of the first row.
    ///
    /// - Precondition: no store has the file open.
    func number(_ sql: String) throws -> Int? {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { try Int.fetchOne($0, sql: sql) }
    }

    /// The first column of every row, as text.
    ///
    /// - Precondition: no store has the file open.
    func texts(_ sql: String) throws -> [String] {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { try String.fetchAll($0, sql: sql) }
    }

    /// The first column of every row. Other connections may have the file open.
    func blobs(_ sql: String) throws -> [[UInt8]] {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { try Data.fetchAll($0, sql: sql) }.map { Array($0) }
    }

    /// Every stored run, with the hashes of its changes. Other connections may have the file open.
    func runs() throws -> [(hashes: [Digest], batch: Batch)] {
        let bytes = try blobs("SELECT bytes FROM batch ORDER BY lane, first")
        let hashes = try blobs("SELECT hashes FROM batch ORDER BY lane, first")
        return try zip(hashes, bytes).map { hashes, bytes in
            let digests = stride(from: 0, to: hashes.count, by: Digest.byteCount).compactMap {
                Digest(bytes: Array(hashes[$0..<$0 + Digest.byteCount]))
            }
            return (digests, try Batch.decode(bytes))
        }
    }
}
