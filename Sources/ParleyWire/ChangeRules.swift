import ParleyCRDT
import ParleyModel

/// The rules of a change that go beyond the structure of its groups, see `Shape.brokenRule`.
///
/// All of them can be decided from the change alone, so that every node decides alike.
/// Specification: Protocol/parley-1.md "Rules for changes"
enum ChangeRules {
    /// - Returns: the change's size, which is one of the things checked.
    static func check(_ change: Change) throws(WireError.Code) -> Int {
        try checkContext(of: change)
        guard change.groups.count <= Limits.groupsPerChange else {
            throw .limitExceeded(.groups)
        }
        for group in change.groups { try check(group, in: change) }
        try checkRecordsOnce(in: change)
        let byteCount = change.byteCount
        guard byteCount <= Limits.changeBytes else { throw .limitExceeded(.changeBytes) }
        return byteCount
    }

    private static func checkContext(of change: Change) throws(WireError.Code) {
        var tipCount = 0
        var last: Origin?
        for entry in change.contextDelta {
            guard entry.origin != change.origin else { throw .ruleBroken(.ownOrigin) }
            if let last, last >= entry.origin { throw .unsorted(.context) }
            last = entry.origin
            tipCount += entry.tips.count
            for (index, tip) in entry.tips.enumerated() {
                guard tip.sequence > 0 else { throw .outOfRange(.sequence) }
                guard index == 0 || entry.tips[index - 1] < tip else { throw .unsorted(.tip) }
            }
        }
        guard tipCount <= Limits.tips else { throw .limitExceeded(.tips) }
    }

    private static func check(_ group: Group, in change: Change) throws(WireError.Code) {
        if case .existing(let record) = group.subject {
            try check(record.creation, in: change)
            guard record.group < UInt32(Limits.groupsPerChange) else {
                throw .outOfRange(.groupIndex)
            }
        }
        switch group.content {
        case .operations(_, let operations):
            for operation in operations { try check(operation, in: change) }
            if group.kind == .record { try checkValuesOnce(in: operations) }
        case .payload(let payload):
            guard payload.count <= Limits.valueBytes else { throw .limitExceeded(.valueBytes) }
            try SystemPayload.check(payload, of: group.kind)
        case .stub: break
        }
    }

    private static func check(
        _ operation: Operation, in change: Change
    ) throws(WireError.Code) {
        for value in operation.values {
            guard case .text(let text) = value else { continue }
            guard text.count <= Limits.valueBytes else { throw .limitExceeded(.valueBytes) }
            guard UTF8Text.isValid(text) else { throw .textMalformed }
        }
        for drop in operation.drops { try check(drop, in: change) }
    }

    /// A reference names something in the change's causal past.
    private static func check(
        _ reference: DotReference, in change: Change
    ) throws(WireError.Code) {
        guard reference.sequence > 0 else { throw .outOfRange(.sequence) }
        guard reference.origin != change.origin || reference.sequence < change.sequence else {
            throw .ruleBroken(.referenceAhead)
        }
    }

    /// No cell gets a value twice and no element of a set is named twice in one group, as far as
    /// the values' bytes are still there.
    private static func checkValuesOnce(in operations: [Operation]) throws(WireError.Code) {
        var elementCount = 0
        for operation in operations {
            if operation.kind.namesElements { elementCount += operation.values.count }
            guard operation.kind.writesOneCell, operation.values.count > 1 else { continue }
            let told = operation.values.filter { !$0.isErased }
            guard Set(told).count == told.count else { throw .ruleBroken(.values) }
        }
        guard elementCount > 1 else { return }
        var seen: Set<CellWrite.Target> = []
        for operation in operations where operation.kind.namesElements {
            guard let field = operation.field else { continue }
            for value in operation.values where !value.isErased {
                guard seen.insert(.element(field, value)).inserted else {
                    throw .ruleBroken(.cellWrittenTwice)
                }
            }
        }
    }

    /// A short reference and a long one may name the same record, so only two long ones that name
    /// different branches are certainly about two.
    private static func checkRecordsOnce(in change: Change) throws(WireError.Code) {
        guard change.groups.count > 1 else { return }
        var seen: [RecordReference: Set<HashPrefix?>] = [:]
        for group in change.groups where group.kind == .record {
            guard case .existing(let record) = group.subject else { continue }
            let place = RecordReference(
                creation: DotReference(
                    origin: record.creation.origin, sequence: record.creation.sequence),
                group: record.group)
            var hashes = seen[place] ?? []
            let isNew = hashes.insert(record.creation.hash).inserted
            guard isNew, hashes.count == 1 || !hashes.contains(nil) else {
                throw .ruleBroken(.recordTwice)
            }
            seen[place] = hashes
        }
    }
}

/// What every node must be able to read of the groups that membership and erasure stand on.
enum SystemPayload {
    static func check(_ payload: [UInt8], of kind: GroupKind) throws(WireError.Code) {
        do throws(WireError) {
            switch kind {
            case .founding: _ = try Founding(bytes: payload)
            case .admission: _ = try Admission(bytes: payload)
            case .cut: _ = try Cut(bytes: payload)
            case .erasure: _ = try Erasure(bytes: payload)
            case .receipt: _ = try Receipt(bytes: payload)
            case .redaction: _ = try Redaction(bytes: payload)
            case .reason:
                guard UTF8Text.isValid(payload) else {
                    throw WireError(.textMalformed, offset: 0)
                }
            default: break
            }
        } catch {
            throw error.code
        }
    }
}

package enum UTF8Text {
    package static func isValid(_ bytes: [UInt8]) -> Bool {
        // Most text is ASCII, and this loop becomes vector code.
        var all: UInt8 = 0
        for byte in bytes { all |= byte }
        return all < 0x80 || String(validating: bytes, as: UTF8.self) != nil
    }
}
