import FoundationEssentials
import NIOConcurrencyHelpers
package import ParleyCRDT
package import ParleyModel

/// What the people of this node were last shown of each conflict.
///
/// Settling a conflict must drop what somebody has looked at and nothing else: a value that arrives
/// between looking and choosing was nobody's to reject. Commands come one at a time and often from
/// processes of their own, so this is kept in a file beside the casebooks. It names changes and never
/// values, and where it is lost or forgotten people have to look again.
package final class ShownConflicts: Sendable {
    /// Conflicts remembered; beyond that the oldest go.
    package static let limit = 4096

    fileprivate struct State {
        /// By conflict, the names of the changes, and when they were noted.
        var changes: [String: (order: Int, names: Set<String>)] = [:]
        var order = 0
        var hasRead = false
    }

    private let path: String?
    /// Held while the file is written: what was noted last must be written last.
    private let file = NIOLock()
    private let state = NIOLockedValueBox(State())

    /// - Parameter path: of the file, `nil` to remember for as long as this lives.
    package init(path: String? = nil) {
        self.path = path
    }

    /// What is remembered of one conflict: whether a change was among what was shown, `nil` where
    /// nothing of it was, or that was so many others ago that it is forgotten.
    package func seen(_ dot: Dot, in conflict: Key) -> Bool? {
        state.withLockedValue { state in
            read(&state)
            return state.changes[conflict.text]?.names.contains(dot.name)
        }
    }

    /// Remembers what a command has just shown.
    package func note(_ conflicts: [(conflict: Key, dots: [Dot])]) {
        guard !conflicts.isEmpty else { return }
        file.withLock {
            let text = state.withLockedValue { state -> String in
                read(&state)
                for (conflict, dots) in conflicts {
                    state.note(conflict.text, Set(dots.map(\.name)))
                }
                return state.text(atMost: ShownConflicts.limit)
            }
            guard let path else { return }
            try? PrivateFile.write(Array(text.utf8), to: path, isDurable: false)
        }
    }

    private func read(_ state: inout State) {
        guard !state.hasRead, let path else { return }
        state.hasRead = true
        let bytes = FileManager.default.contents(atPath: path) ?? Data()
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count == 4 else { continue }
            state.note(
                parts[..<3].joined(separator: " "),
                Set(parts[3].split(separator: ",").map(String.init)))
        }
    }
}

extension ShownConflicts.State {
    fileprivate mutating func note(_ conflict: String, _ names: Set<String>) {
        order += 1
        changes[conflict] = (order, names)
    }

    /// One line a conflict, the newest last.
    fileprivate mutating func text(atMost limit: Int) -> String {
        var lines = changes.sorted { $0.value.order < $1.value.order }
        for (conflict, _) in lines.prefix(max(0, lines.count - limit)) { changes[conflict] = nil }
        lines.removeFirst(max(0, lines.count - limit))
        return lines.map { "\($0.key) \($0.value.names.sorted().joined(separator: ","))\n" }
            .joined()
    }
}

extension ShownConflicts {
    /// Which conflict: of a field, or of the record's state.
    package struct Key: Hashable, Sendable {
        let casebook: Digest
        let record: RecordID
        let field: FieldName?

        package init(casebook: Digest, record: RecordID, field: FieldName?) {
            self.casebook = casebook
            self.record = record
            self.field = field
        }

        var text: String { "\(casebook.bytes.hex) \(record.text) \(field.commandName)" }
    }
}

extension Dot {
    /// Names this change and no other, whatever branches there are.
    fileprivate var name: String {
        "\(origin.node.text).\(origin.epochText):\(sequence)~\(hash.bytes.hex)"
    }
}
