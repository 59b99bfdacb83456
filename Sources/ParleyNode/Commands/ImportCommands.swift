import ParleyCasework
import ParleyModel
import ParleyStore

/// Taking in many records at once.
extension CasebookCommands {
    /// Imports consecutive lines: one change each, all in one transaction. A wrong line is refused
    /// whole and by its number; the others go in.
    ///
    /// Lines are read before the transaction begins, so that the writer is held only for writing.
    func importLines(_ lines: [String], from firstLine: Int) async throws -> Answer {
        let batch = ImportBatch(lines, from: firstLine, schema: schema)
        let last = try await write { scope -> RecordID? in
            var last: RecordID?
            for record in batch.accepted {
                last =
                    try scope.append([.creation(type: record.type, record.operations)])
                    .recordIDs.first ?? nil
            }
            return last
        }
        return batch.answer(last: last)
    }

    /// What an import of the same lines would answer now.
    func checkLines(_ lines: [String], from firstLine: Int) async throws -> Answer {
        try await store.read { try requireWriter(in: $0) }
        return ImportBatch(lines, from: firstLine, schema: schema).answer(last: nil)
    }
}

/// Some lines of an import, told apart by whether they can go in.
private struct ImportBatch {
    private(set) var accepted: [ImportLine] = []
    private var refused: [JSONValue] = []

    init(_ lines: [String], from firstLine: Int, schema: Schema) {
        accepted.reserveCapacity(lines.count)
        for (offset, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
            do {
                accepted.append(try ImportLine(line, schema: schema))
            } catch {
                refused.append(
                    .object([
                        ("line", .integer(firstLine + offset)),
                        ("error", .string(ImportLine.explanation(of: error))),
                    ]))
            }
        }
    }

    /// - Parameter last: the record made last, `nil` where none was.
    func answer(last: RecordID?) -> Answer {
        Answer(
            .object([
                ("record", .optional(last?.text)),
                ("created", .integer(accepted.count)), ("changed", .integer(0)),
                ("refused", .array(refused)),
            ]), exitCode: refused.isEmpty ? 0 : 1)
    }
}
