import ParleyCRDT
import ParleyModel
import ParleyWire

/// Batches and what stands in them.
extension Tree {
    init(_ batch: Batch) {
        self = .list([
            Tree(batch.origin), .number(batch.first),
            batch.previous.map { .bytes($0.bytes) } ?? .none, .bytes(batch.signature),
            .list(of: batch.changes) { Tree($0) }, .list(of: batch.salts) { Tree($0) },
        ])
    }

    private init(_ run: SaltRun) {
        switch run {
        case .seed(let changes, let seed): self = .list([.number(changes), .bytes(seed)])
        case .explicit(let changes, let salts):
            self = .list([
                .number(changes),
                .list(of: salts) { salt in
                    let place = [salt.change, salt.group, salt.slot]
                    return .list([.list(of: place) { .number($0) }, .bytes(salt.bytes)])
                },
            ])
        }
    }

    private init(_ change: Change) {
        self = .list([
            Tree(change.origin), .number(change.sequence), .number(change.time.milliseconds),
            .number(change.time.counter), .list(of: change.contextDelta) { Tree($0) },
            .list(of: change.groups) { Tree($0) },
        ])
    }

    private init(_ group: Group) {
        let subject: (number: UInt64, record: Tree) =
            switch group.subject {
            case .casebook: (0, .none)
            case .created: (1, .none)
            case .existing(let record): (2, Tree(record))
            }
        let content: (number: UInt64, type: Tree, operations: Tree, payload: Tree) =
            switch group.content {
            case .operations(let type, let operations):
                (0, .text(type?.text ?? ""), .list(of: operations) { Tree($0) }, .bytes([]))
            case .payload(let bytes): (1, .bytes([]), .list([]), .bytes(bytes))
            case .stub(let digest): (2, .bytes([]), .list([]), .bytes(digest.bytes))
            }
        self = .list([
            .number(group.kind.rawValue), .number(subject.number), subject.record,
            .number(content.number), content.type, content.operations, content.payload,
        ])
    }

    private init(_ operation: Operation) {
        self = .list([
            .number(operation.kind.rawValue), .flag(operation.isSensitive),
            .text(operation.field?.text ?? ""),
            .list(of: operation.values) { .list([.number($0.tag), .bytes($0.payload)]) },
            .list(of: operation.drops) { Tree($0) },
        ])
    }
}
