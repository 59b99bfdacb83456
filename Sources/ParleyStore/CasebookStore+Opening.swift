import GRDB
import Glibc
package import ParleyCRDT
package import ParleyLog
import ParleyModel
import ParleyWire

/// Founding, joining and opening casebooks.
extension CasebookStore {
    /// Founds a new casebook, with this node as its first coordinator.
    ///
    /// - Parameters:
    ///   - path: where the file shall be; nothing may be there yet.
    ///   - schema: name and version of the schema its records follow.
    package static func found(
        at path: String, name: String, memberName: String,
        schema: (String, UInt64) = ("casework", 1),
        identity: Identity, environment: StoreEnvironment = .system
    ) async throws -> CasebookStore {
        let founding = Founding(
            nonce: environment.randomBytes(Founding.nonceBytes), casebookName: name,
            memberName: memberName, schemaName: schema.0, schemaVersion: schema.1)
        return try create(at: path, casebook: .zero, identity, environment) { transaction in
            _ = try transaction.found(founding)
        }
    }

    /// Makes an empty store for a casebook this node is about to receive.
    ///
    /// It holds nothing, and nothing can be written, until the founding change and this node's
    /// admission have arrived.
    package static func joining(
        at path: String, casebook: Digest, identity: Identity,
        environment: StoreEnvironment = .system
    ) throws -> CasebookStore {
        try create(at: path, casebook: casebook, identity, environment) { _ in }
    }

    /// What a file is called until there is a casebook in it.
    package static let unfinishedSuffix = ".new"

    /// Makes the whole file under another name first, so that whatever ends the process meanwhile
    /// leaves no casebook that can't be opened.
    private static func create(
        at path: String, casebook: Digest, _ identity: Identity, _ environment: StoreEnvironment,
        _ first: (Transaction) throws -> Void
    ) throws -> CasebookStore {
        guard access(path, F_OK) != 0 else {
            throw StoreError.damaged("there is a casebook already")
        }
        let unfinished = path + unfinishedSuffix
        remove(unfinished)
        do {
            let draft = try fill(unfinished, casebook, identity, environment, first)
            guard rename(unfinished, path) == 0 else {
                throw StoreError.systemCall("rename", errno)
            }
            do {
                try Connection.synchroniseFolder(of: path)
                try GenerationFile(besides: path).note(draft)
                return try open(at: path, identity: identity, environment: environment)
            } catch {
                remove(path)
                throw error
            }
        } catch {
            remove(unfinished)
            throw StoreError.translating(error)
        }
    }

    /// Makes a file with a casebook in it, all of it in the file itself: a write-ahead log wouldn't
    /// follow it to another name.
    private static func fill(
        _ path: String, _ casebook: Digest, _ identity: Identity, _ environment: StoreEnvironment,
        _ first: (Transaction) throws -> Void
    ) throws -> Draft {
        let pool = try Connection.open(path: path, creating: true)
        do {
            let draft = try pool.writeWithoutTransaction { db in
                let row = CasebookRow(
                    id: casebook, node: identity.node, environment: environment)
                let draft = try commit(
                    db, Draft(db, casebook: row), identity, environment
                ) { transaction in
                    try Indexer(transaction: transaction).prepare(
                        IndexedFields(environment.indexedFields))
                    try first(transaction)
                }
                guard try db.pragma("wal_checkpoint(TRUNCATE)") == "0" else {
                    throw StoreError.full
                }
                return draft
            }
            try pool.writeWithoutTransaction { try Connection.setCopiesOnClosing($0, true) }
            try pool.close()
            return draft
        } catch {
            try? pool.close()
            throw error
        }
    }

    private static func remove(_ path: String) {
        for suffix in ["", "-wal", "-journal", unfinishedSuffix + "-wal"] { unlink(path + suffix) }
        unlink(GenerationFile.path(for: path))
    }

    /// Opens an existing casebook.
    ///
    /// Begins a new epoch where the file turns out to be a copy or an earlier state of itself.
    ///
    /// - Throws: `damaged` where there is no casebook of this node or its log doesn't end as noted,
    ///   `newerFormat`, `setting`, `database`, `full` where a write-ahead log that was left behind
    ///   can't be copied back.
    package static func open(
        at path: String, identity: Identity, environment: StoreEnvironment = .system
    ) throws -> CasebookStore {
        let wasStopped = LeftoverLog(besides: path) != nil
        let pool = try Connection.open(path: path, creating: false)
        do {
            let generation = try GenerationFile(besides: path)
            let fields = IndexedFields(environment.indexedFields)
            let draft = try pool.writeWithoutTransaction { db in
                guard let row = try CasebookRow.load(db), row.node == identity.node else {
                    throw StoreError.damaged("no casebook of this node")
                }
                let draft = try Draft(db, casebook: row)
                try LogReader(db).checkEnds(of: draft)
                let isSame = generation.matches(draft)
                guard !isSame || draft.needsIndex(of: fields) else { return draft }
                return try commit(db, draft, identity, environment) { transaction in
                    if !isSame { try transaction.beginEpoch() }
                    try Indexer(transaction: transaction).prepare(fields)
                }
            }
            return try CasebookStore(
                path, pool, draft, identity, environment, wasStoppedUncleanly: wasStopped)
        } catch {
            try? pool.close()
            throw StoreError.translating(error)
        }
    }

    /// One transaction before there is a writer.
    private static func commit(
        _ db: Database, _ draft: Draft, _ identity: Identity, _ environment: StoreEnvironment,
        _ body: (Transaction) throws -> Void
    ) throws -> Draft {
        try db.run("BEGIN IMMEDIATE")
        let transaction = Transaction(
            db, draft: draft, identity: identity, environment: environment)
        do {
            try body(transaction)
            try transaction.flushTail()
            try transaction.save()
            try db.run("COMMIT")
        } catch {
            try? db.run("ROLLBACK")
            throw error
        }
        return transaction.draft.settled
    }
}
