import Foundation
import ParleyWire
import Testing

/// One annotated hex file of Protocol/vectors.
///
/// Everything after `#` is for people, except in the lines `# form:`, `# error:` and `# offset:`.
struct Vector: CustomTestStringConvertible, Sendable {
    enum Folder: String, Sendable { case valid, invalid }

    let name: String
    let form: String
    let error: String?
    let offset: Int?
    private(set) var bytes: [UInt8]

    var testDescription: String { name }

    static func all(_ folder: Folder) -> [Vector] {
        let url = directory.appendingPathComponent(folder.rawValue)
        let files = try? FileManager.default.contentsOfDirectory(atPath: url.path)
        return (files ?? []).sorted().compactMap { file in
            guard file.hasSuffix(".hex"),
                let text = try? String(
                    contentsOf: url.appendingPathComponent(file), encoding: .utf8)
            else { return nil }
            return Vector(name: String(file.dropLast(4)), text: text)
        }
    }

    private static let directory = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Protocol/vectors")

    private init(name: String, text: String) {
        self.name = name
        var notes: [String: String] = [:]
        var bytes: [UInt8] = []
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, parts[0].isEmpty {
                let note = parts[1].split(separator: ":", maxSplits: 1)
                if note.count == 2 {
                    notes[note[0].trimmingCharacters(in: .whitespaces)] = note[1]
                        .trimmingCharacters(in: .whitespaces)
                }
            }
            for digits in parts[0].split(separator: " ") { bytes.append(UInt8(digits, radix: 16)!) }
        }
        form = notes["form"] ?? ""
        error = notes["error"]
        offset = notes["offset"].flatMap { Int($0) }
        self.bytes = bytes
    }

    /// The same vector with other bytes, to see how they fail.
    func with(bytes: [UInt8]) -> Vector {
        var copy = self
        copy.bytes = bytes
        return copy
    }

    /// Decodes the bytes as what the vector says they are.
    func decode() throws(WireError) -> Decoded {
        switch form {
        case "message":
            var decoder = FrameDecoder()
            decoder.append(bytes)
            guard let frame = try decoder.next() else { return .incomplete }
            guard let message = try Message(tag: frame.tag, payload: frame.payload) else {
                return .unknownTag
            }
            return .message(message)
        case "batch", "deflated batch": return .batch(try Batch.decode(bytes))
        case "founding": return .founding(try Founding(bytes: bytes))
        case "admission": return .admission(try Admission(bytes: bytes))
        case "cut": return .cut(try Cut(bytes: bytes))
        case "erasure": return .erasure(try Erasure(bytes: bytes))
        case "redaction": return .redaction(try Redaction(bytes: bytes))
        case "receipt": return .receipt(try Receipt(bytes: bytes))
        default: return .unknownForm
        }
    }
}

enum Decoded: Equatable {
    case message(Message)
    case batch(Batch)
    case founding(Founding)
    case admission(Admission)
    case cut(Cut)
    case erasure(Erasure)
    case redaction(Redaction)
    case receipt(Receipt)
    case incomplete
    case unknownTag
    case unknownForm

    func encoded() throws -> [UInt8] {
        switch self {
        case .message(let message): Frame.encode(message)
        case .batch(let batch): try batch.encoded(compress: false)
        case .founding(let founding): founding.encoded
        case .admission(let admission): admission.encoded
        case .cut(let cut): cut.encoded
        case .erasure(let erasure): erasure.encoded
        case .redaction(let redaction): redaction.encoded
        case .receipt(let receipt): receipt.encoded
        case .incomplete, .unknownTag, .unknownForm: []
        }
    }
}
