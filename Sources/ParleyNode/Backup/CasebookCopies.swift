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
        if let problem = shelf.troubles.first(where: \.isUnopened)?.error {
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
                "cannot back up: while a backup is made, copies of the casebooks take \(needed >> 20) MiB in \(home.path), and the disk has \(room >> 20) MiB left. Make room and try again."
            )
        }
        do {
            return try await CasebookCopies(of: stores, in: home)
        } catch {
            throw NodeError(error, doing: "back up")
        }
    }
}
