import Dispatch
import FoundationEssentials
import NIOConcurrencyHelpers

/// The record that `@last` means, kept in a file because commands are often processes of their own.
///
/// The file is written behind the answers, one after the other and only the newest, and in place: a new
/// file with a new name costs as much as an edit does. IDs are all of one length, and who reads the file
/// holds the home alone.
package final class LastRecord: Sendable {
    private struct State {
        /// What was noted last, `nil` where only the file knows.
        var id: String?
        var isWritten = true
    }

    private let path: String
    private let state = NIOLockedValueBox(State())
    private let writing = DispatchQueue(label: "parley.last")

    package init(path: String) {
        self.path = path
    }

    /// Its ID, `nil` before there was one.
    package var id: String? {
        state.withLockedValue { $0.id }
            ?? FileManager.default.contents(atPath: path).map {
                String(decoding: $0, as: UTF8.self)
            }
    }

    package func note(_ id: String) {
        let isNews = state.withLockedValue { state in
            guard state.id != id else { return false }
            defer { (state.id, state.isWritten) = (id, false) }
            return state.isWritten
        }
        if isNews { writing.async { self.write() } }
    }

    /// Waits until the file says what was noted.
    package func finish() { writing.sync {} }

    private func write() {
        let id = state.withLockedValue { state in
            state.isWritten = true
            return state.id
        }
        guard let id else { return }
        // A convenience, not a record: not worth waiting for the disk.
        try? PrivateFile.overwrite(path, with: Array(id.utf8))
    }
}
