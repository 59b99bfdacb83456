import Glibc
import ParleyNode

/// A file of its own for what somebody types in an editor, readable by its owner only.
///
/// It stays until it is removed on purpose: what was typed must outlive a refusal, a daemon that
/// went away and an editor that crashed. It goes when its record is erased.
struct DraftFile {
    let path: String
    /// What it began with.
    private let text: String

    /// - Parameters:
    ///   - record: the ID of the record it is about.
    ///   - folder: the node's home, which nobody else can read.
    /// - Throws: where it can't be written.
    init(
        _ text: String, about record: String, inFolder folder: String
    ) throws(CommandFailure) {
        let name = Home.draftPrefix(ofRecord: record)
        var template = Array("\(folder)/\(name)XXXXXX.txt".utf8CString)
        let descriptor = mkstemps(&template, Int32(".txt".utf8.count))
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.text = text
        let bytes = Array(text.utf8)
        let isWritten = descriptor >= 0 && write(descriptor, bytes, bytes.count) == bytes.count
        if descriptor >= 0 { close(descriptor) }
        guard isWritten else {
            remove()
            throw CommandFailure(
                Exit.refused,
                "cannot make a draft in \(folder). Check that it is yours and that the disk has "
                    + "room, or use --from FILE.")
        }
    }

    func remove() { unlink(path) }

    /// Removes it unless somebody typed something.
    ///
    /// - Returns: whether it is gone.
    func removeUnlessEdited() -> Bool {
        guard (try? ValueSource.text(path)) == TextLines.withoutByteOrderMark(text) else {
            return false
        }
        remove()
        return true
    }
}
