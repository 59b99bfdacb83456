import ParleyModel

/// The rules that a group's structure alone must keep. They hold for every reader and for ever:
/// what breaks one is refused, and that log ends there on all nodes alike.
///
/// Kinds of group and operation this version doesn't know are kept, so nothing is asked of them.
/// Specification: Protocol/parley-1.md "Rules for changes"
extension Shape {
    var brokenRule: WireError.Rule? {
        if !hasItsForm { return .groupForm }
        for step in steps where step.tags.contains(ValueTag.erased) && !step.isSensitive {
            return .erasedWithoutSalt
        }
        guard kind == .record, content == .operations else { return nil }
        if (subject == .created) != (type > 0) { return .type }
        for step in steps where step.kind.isKnown {
            if let rule = step.brokenRule { return rule }
        }
        return writesACellTwice ? .cellWrittenTwice : nil
    }

    /// Whether subject and content are such as this kind of group has.
    private var hasItsForm: Bool {
        switch kind {
        case .record: subject != .casebook && content != .payload
        case .reason: subject == .casebook && content != .operations
        // Membership and erasures are never erased: a stub of one could only be a relay's forgery.
        case .founding, .admission, .cut, .erasure, .receipt, .redaction:
            subject == .casebook && content == .payload
        default: true
        }
    }

    /// Registers and the state by name; elements are compared where their values are at hand.
    private var writesACellTwice: Bool {
        var fields: Set<Int> = []
        for step in steps where step.kind.writesOneCell {
            // The state has no name: its 0 is no field's number.
            if !fields.insert(step.kind.namesField ? step.field : 0).inserted { return true }
        }
        return false
    }
}

extension Shape.Step {
    fileprivate var brokenRule: WireError.Rule? {
        if (field > 0) != kind.namesField { return .field }
        if (dropCount > 0) != kind.namesDrops { return .drops }
        return hasItsValues ? nil : .values
    }

    private var hasItsValues: Bool {
        switch kind {
        case .write, .resolve: !tags.isEmpty && tags.allSatisfy(ValueTag.isFieldValue)
        case .add, .remove: !tags.isEmpty && tags.allSatisfy(ValueTag.hasPayload)
        case .setState: tags.count == 1 && ValueTag.isState(tags[0])
        case .resolveState: !tags.isEmpty && tags.allSatisfy(ValueTag.isState)
        default: true
        }
    }
}

extension OperationKind {
    /// Whether this writes the one cell of its register or of the state, rather than elements.
    var writesOneCell: Bool {
        self == .write || self == .resolve || self == .setState || self == .resolveState
    }

    var namesElements: Bool { self == .add || self == .remove }
}
