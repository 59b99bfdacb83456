import FoundationEssentials
import NIOConcurrencyHelpers

/// The record that `@last` means, kept in a file because commands are often processes of their own.
package final class LastRecord: Sendable {
    private let path: String
    /// Held while the file is read or written: commands of a daemon come at once, and what was noted
    /// last must be written last.
    private let file = NIOLock()

    package init(path: String) {
        self.path = path
    }

    /// Its ID, `nil` before there was one.
    package var id: String? {
        file.withLock {
            FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    package func note(_ id: String) {
        file.withLock {
            // A convenience, not a record: not worth waiting for the disk.
            try? PrivateFile.write(Array(id.utf8), to: path, isDurable: false)
        }
    }
}
