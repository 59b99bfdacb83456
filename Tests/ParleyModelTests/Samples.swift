import ParleyCRDT
import ParleyModel

extension Dot {
    static func change(_ sequence: UInt64, by writer: UInt8, branch: UInt128 = 0) -> Dot {
        let node = NodeID(bytes: [UInt8](repeating: writer, count: 32))!
        let origin = Origin(node: node, epoch: 0x7d00_0000_0000_0042)
        return Dot(origin: origin, sequence: sequence, hash: HashPrefix(branch << 96))
    }
}

extension FieldName {
    static let place = FieldName("place")!
}

extension Value {
    static func of(_ text: String) -> Value { .text(Array(text.utf8)) }
}

extension RecordReference {
    static let some = RecordReference(creation: DotReference(.change(1, by: 1)), group: 0)
}

extension Group {
    /// The writes of a group in a log without forks, where every reference names one change.
    var writes: [CellWrite]? {
        writes { [Dot(origin: $0.origin, sequence: $0.sequence, hash: $0.hash ?? HashPrefix(0))] }
    }
}
