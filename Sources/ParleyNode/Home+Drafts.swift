import FoundationEssentials
import Glibc
import ParleyModel
import ParleyStore

/// What people type into an editor lies in the home, named by the record it is about, so that it goes
/// with that record.
extension Home {
    /// - Parameter record: a record's ID.
    /// - Returns: the beginning of a draft's name.
    package static func draftPrefix(ofRecord record: String) -> String {
        "draft-\(record.prefix(draftDigits))-"
    }

    private static let draftDigits = 12

    /// Paths of all drafts, sorted.
    var drafts: [String] {
        FileManager.default.files(in: path)
            .filter { $0.hasPrefix("draft-") && $0.hasSuffix(".txt") }.sorted()
            .map { "\(path)/\($0)" }
    }

    /// Overwrites and removes drafts about records that are erased.
    func removeDrafts(erasedIn store: CasebookStore) async {
        guard !drafts.isEmpty else { return }
        let records = try? await store.read { scope in
            try scope.takingsBack().filter { $0.field == nil && $0.progress != .unconfirmed }
                .map(\.record.text)
        }
        let prefixes = Set((records ?? []).map { "\(path)/\(Home.draftPrefix(ofRecord: $0))" })
        for draft in drafts where prefixes.contains(where: draft.hasPrefix) { destroy(draft) }
    }

    private func destroy(_ path: String) {
        let descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        if descriptor >= 0 {
            let count = Int(lseek(descriptor, 0, SEEK_END))
            let zeros = [UInt8](repeating: 0, count: max(count, 0))
            if pwrite(descriptor, zeros, zeros.count, 0) == zeros.count { fsync(descriptor) }
            close(descriptor)
        }
        unlink(path)
    }
}
