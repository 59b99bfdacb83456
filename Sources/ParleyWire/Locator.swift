package import ParleyCRDT

/// Points of one branch of a log, from its tip back in steps of 1, 2, 4, 8 ...: the receiver answers
/// with what follows the newest it also holds.
package struct Locator: Hashable, Sendable {
    package let casebook: Int
    package let origin: Origin
    /// Descending by sequence number, none twice, at least one.
    package let points: [Tip]

    package init(casebook: Int, origin: Origin, points: [Tip]) {
        self.casebook = casebook
        self.origin = origin
        self.points = points
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(casebook)
        writer.origin(origin)
        writer.varint(points.count)
        for point in points { writer.tip(point) }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        casebook = try reader.casebook()
        origin = try reader.origin()
        let start = reader.offset
        let count = try reader.count(elementSize: 17, limit: Limits.tips, .tips)
        guard count > 0 else { throw WireError(.outOfRange(.tip), offset: start) }
        var points: [Tip] = []
        points.reserveCapacity(count)
        for _ in 0..<count {
            let position = reader.offset
            let point = try reader.tip()
            if let last = points.last, last.sequence <= point.sequence {
                throw WireError(.unsorted(.tip), offset: position)
            }
            points.append(point)
        }
        self.points = points
    }
}
