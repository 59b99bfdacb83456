import FoundationEssentials
import Glibc
import ParleyCRDT
package import ParleyControl
import ParleyStore

/// The files a backup is made from: a copy of every casebook, inside the home, gone when nobody
/// holds this any more.
///
/// They are plain, so they lie where the casebooks lie. What a killed process leaves of them the
/// next one removes, see `Home.removeUnfinished`.
package final class CasebookCopies: Sendable {
    private let folder: String
    private let copied: CopiedCasebooks

    /// - Throws: `NodeError`, `StoreError`; nothing is left then.
    init(of stores: [CasebookStore], in home: Home) async throws {
        let folder = try CasebookCopies.makeFolder(in: home)
        do {
            var copies: [CopiedCasebooks.Copy] = []
            for (index, store) in stores.enumerated() {
                try await CasebookCopies.check(store)
                let path = "\(folder)/\(index)"
                copies.append(
                    try await store.read { scope in
                        try scope.copy(to: path)
                        return try scope.description(
                            ofCopyAt: String(path.dropFirst(home.path.count + 1)))
                    })
            }
            self.folder = folder
            copied = CopiedCasebooks(copies: copies)
        } catch {
            try? FileManager.default.removeItem(atPath: folder)
            throw error
        }
    }

    deinit { remove() }

    package func remove() {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Where they are and what they hold.
    package var response: Response {
        guard let json = try? JSONEncoder().encode(copied) else {
            preconditionFailure("a list of copies is plain data")
        }
        return Response(json: String(decoding: json, as: UTF8.self))
    }

    /// A backup of what is damaged would take the place of a sound one and be no use.
    private static func check(_ store: CasebookStore) async throws {
        guard try await !isSound(store) else { return }
        throw NodeError(
            .integrity,
            "cannot back up: the casebook's file \(store.path) is damaged, so that its backup might not be worth restoring. `parley verify` says what is wrong and what to do; `cp -a` keeps the home as it is. No earlier backup was touched."
        )
    }

    private static func isSound(_ store: CasebookStore) async throws -> Bool {
        do {
            guard try await store.damage(by: .pages).isEmpty else { return false }
            return try await store.audit(logsOnly: true).findings.isEmpty
        } catch StoreError.damaged {
            return false
        }
    }

    private static func makeFolder(in home: Home) throws -> String {
        var template = Array("\(home.path)/\(Home.copyPrefix)XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw NodeError(
                .refused,
                "cannot copy the casebooks: \(home.path) can't be written. Check that it is yours and that the disk has room."
            )
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension ReadScope {
    fileprivate func description(ofCopyAt path: String) throws -> CopiedCasebooks.Copy {
        let summary = try summary()
        return CopiedCasebooks.Copy(
            path: path, casebook: summary.casebook.bytes.hex, name: summary.name,
            records: summary.recordCount, newest: try newestChange())
    }

    /// When the newest change was made, as answers say it.
    func newestChange() throws -> String? {
        try history(of: nil, limit: 1).first.map { Timestamp($0.time).text }
    }
}

extension Node {
    /// Copies every casebook as it is now: what was acknowledged before is in it.
    ///
    /// - Throws: `NodeError`: where one can't be opened, for a backup that lacks a casebook would be
    ///   taken for a whole one; where the copies would fill the disk.
    package func copyCasebooks() async throws -> CasebookCopies {
        let stores = await shelf.stores()
        if let problem = shelf.unopened.first?.error {
            throw NodeError(
                problem.kind,
                "cannot back up, a casebook would be missing: \(problem.message) To back up the others, move that file out of \(home.casebooksPath) first."
            )
        }
        let needed = stores.reduce(0) { $0 + Home.byteCount(of: $1.path) }
        let room = environment.freeSpace(home.path).bytes
        guard room > UInt64(needed) + FreeSpace.editReserve else {
            throw NodeError(
                .refused,
                "cannot back up: while a backup is made, copies of the casebooks lie in \(home.path). With them less than the 64 MiB would be left on its disk that edits need: they take \((needed + (1 << 20) - 1) >> 20) MiB of the \(room >> 20) MiB there are. Make room and try again."
            )
        }
        do {
            return try await CasebookCopies(of: stores, in: home)
        } catch {
            throw NodeError(error, doing: "back up")
        }
    }
}
