package import ParleyCRDT
import ParleyLog
package import ParleyModel

/// A record that exists in the log alone, because no change that creates or edits it counts. What it
/// says is on the disk all the same, and can be taken back.
package struct LogOnlyRecord: Hashable, Sendable {
    package let id: RecordID
    /// `nil` where its contents were taken out.
    package let type: FieldName?
    /// How a change written here now names it.
    package let reference: RecordReference
}

extension ReadScope {
    /// Those whose ID begins with the given hexadecimal digits. Reads the logs of all of whom some
    /// change may not count.
    package func logOnlyRecords(withPrefix digits: String) throws -> [LogOnlyRecord] {
        let digits = digits.lowercased()
        var found: [LogOnlyRecord] = []
        let membership = try membership()
        let nodes = membership.nodesThatMayBeVoid
        for lane in try lanes().lanes where lane.applied.sequence > lane.fork.sequence {
            let node = lane.origin.node
            guard nodes.contains(node) || !membership.alwaysPermits(node, [.record]) else {
                continue
            }
            for sequence in lane.fork.sequence + 1...lane.applied.sequence {
                guard let change = try loggedChange(lane, sequence) else { continue }
                found += try logOnlyRecords(in: change) { $0.text.hasPrefix(digits) }
            }
        }
        return found
    }

    private func logOnlyRecords(
        in change: LoggedChange, where isMeant: (RecordID) -> Bool
    ) throws -> [LogOnlyRecord] {
        try change.change.groups.enumerated().compactMap { index, group in
            guard group.subject == .created, let id = change.recordIDs[index], isMeant(id),
                try row(id) == nil
            else { return nil }
            let type: FieldName? =
                if case .operations(let type, _) = group.content { type } else { nil }
            return LogOnlyRecord(
                id: id, type: type,
                reference: RecordReference(
                    creation: try reference(to: change.dot), group: UInt32(index)))
        }
    }

    /// How a change written here now names a record.
    ///
    /// - Throws: `unknownRecord`.
    func anyReference(to id: RecordID) throws -> RecordReference {
        let reference = try record(id)?.reference
        guard let found = try reference ?? logOnlyRecords(withPrefix: id.text).first?.reference
        else { throw StoreError.unknownRecord }
        return found
    }
}
