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
        var records: [ImportLine] = []
        var refused: [JSONValue] = []
        records.reserveCapacity(lines.count)
        for (offset, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
            do {
                records.append(try ImportLine(line, schema: schema))
            } catch {
                refused.append(
                    .object([
                        ("line", .integer(firstLine + offset)),
                        ("error", .string(ImportLine.explanation(of: error))),
                    ]))
            }
        }
        let accepted = records
        try await write { scope in
            for record in accepted {
                _ = try scope.append([.creation(type: record.type, record.operations)])
            }
        }
        return Answer(
            .object([
                ("created", .integer(accepted.count)), ("changed", .integer(0)),
                ("refused", .array(refused)),
            ]), exitCode: refused.isEmpty ? 0 : 1)
    }
}
