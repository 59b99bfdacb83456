import Foundation
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// What is in a store's files, word for word.
extension TestNode {
    /// Whether a text is anywhere in the store's files, packed or not.
    func holds(_ text: String) throws -> Bool {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let base = String(path.split(separator: "/").last!)
        for name in names where name.hasPrefix(base) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name))
            if bytes.range(of: Data(text.utf8)) != nil { return true }
            if bytes.range(of: Data(text.lowercased().utf8)) != nil { return true }
        }
        return try SQLiteFile(path).blobs("SELECT bytes FROM batch").contains { bytes in
            try Batch.decode(bytes).changes.contains { $0.says(text) }
        }
    }

    /// The seeds in the stored batches, beside the one in use.
    func seeds() throws -> [[UInt8]] {
        try SQLiteFile(path).blobs("SELECT bytes FROM batch").flatMap {
            try Batch.decode($0).seeds
        }
    }
}

extension Change {
    func says(_ text: String) -> Bool { allTexts.contains { $0.contains(text) } }

    /// Everything in it that somebody wrote.
    private var allTexts: [String] {
        groups.flatMap { group -> [String] in
            switch group.content {
            case .payload(let bytes): [String(decoding: bytes, as: UTF8.self)]
            case .stub: []
            case .operations(_, let operations):
                operations.flatMap(\.values).map { String(decoding: $0.payload, as: UTF8.self) }
            }
        }
    }
}
