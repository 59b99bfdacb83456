package import ParleyCRDT

extension ByteReader {
    /// Reads tips with their count: at least one, sorted, none twice.
    package mutating func tips() throws(WireError) -> [Tip] {
        let start = offset
        let count = try count(elementSize: 17, limit: Limits.tips, .tips)
        guard count > 0 else { throw WireError(.outOfRange(.tip), offset: start) }
        var tips: [Tip] = []
        tips.reserveCapacity(count)
        for _ in 0..<count {
            let position = offset
            let tip = try tip()
            if let last = tips.last, last >= tip {
                throw WireError(.unsorted(.tip), offset: position)
            }
            tips.append(tip)
        }
        return tips
    }

    /// Reads clock entries with their count: sorted by origin, none twice, tips bounded in all.
    ///
    /// - Parameter limit: of tips; what one's own store holds needs none.
    package mutating func clockEntries(
        limit: Int = Limits.tips
    ) throws(WireError) -> [Clock.Entry] {
        let count = try count(elementSize: Origin.byteCount + 18, limit: limit, .tips)
        var entries: [Clock.Entry] = []
        entries.reserveCapacity(count)
        var tipCount = 0
        for _ in 0..<count {
            let position = offset
            let origin = try origin()
            if let last = entries.last, last.origin >= origin {
                throw WireError(.unsorted(.origin), offset: position)
            }
            let tips = try tips()
            tipCount += tips.count
            guard tipCount <= limit else {
                throw WireError(.limitExceeded(.tips), offset: position)
            }
            entries.append(Clock.Entry(origin: origin, tips: tips))
        }
        return entries
    }
}
