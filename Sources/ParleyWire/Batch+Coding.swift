import ParleyCRDT
import ParleyModel

extension Batch {
    /// Below this many bytes of columns even a preset dictionary gains nothing.
    private static let leastDeflatedByteCount = 48

    /// The bytes that are stored and sent.
    ///
    /// - Parameter compress: deflates the columns where that makes the batch smaller.
    /// - Throws: the rule or limit that the changes break; it is the author's mistake here.
    package func encoded(compress: Bool) throws(WireError) -> [UInt8] {
        let columns = try columns()
        var body = BatchHeader.Body.plain
        var content = columns.writer.bytes
        if compress, content.count >= Batch.leastDeflatedByteCount {
            var deflater = Deflater(
                dictionary: PresetDictionary.bytes(of: PresetDictionary.current))
            let deflated = deflater.finish(content, blocksAt: columns.marks)
            if deflated.count + ByteCount.varint(content.count) < content.count {
                body = .deflated(
                    dictionary: PresetDictionary.current, byteCount: content.count)
                content = deflated
            }
        }
        var writer = ByteWriter(capacity: 256 + content.count)
        BatchHeader(of: self, body: body).write(into: &writer)
        writer.raw(content)
        guard writer.count <= Limits.batchBytes else {
            throw WireError(.limitExceeded(.batchBytes), offset: 0)
        }
        return writer.bytes
    }

    /// Reads a batch as it was stored or sent, and checks everything that can be checked without
    /// the log: form, limits, and the rules every change must keep.
    ///
    /// - Throws: offsets count from the start of the batch, or of the columns where these had to be
    ///   inflated first. A broken rule is reported where reading stood when it was found.
    package static func decode(_ bytes: [UInt8]) throws(WireError) -> Batch {
        var decoder = try decoder(of: bytes) { _ in nil }
        return try decoder.decode()
    }

    /// Some changes of a batch whose every change was checked when it came in. Takes a fraction of the
    /// time that all of them do.
    ///
    /// - Parameter sequences: those of them that the batch holds are read.
    /// - Returns: the changes in order; of the rules, only those the batch keeps as a whole and these
    ///   changes keep were checked.
    package static func part(
        _ sequences: ClosedRange<UInt64>, of bytes: [UInt8]
    ) throws(WireError) -> BatchPart {
        var decoder = try decoder(of: bytes) { header in
            let own = header.first...header.last
            guard sequences.overlaps(own) else { return 0..<0 }
            let held = sequences.clamped(to: own)
            return Int(held.lowerBound - header.first)..<Int(held.upperBound - header.first) + 1
        }
        return try decoder.decodePart()
    }

    /// - Parameter part: which changes are wanted, by the header.
    private static func decoder(
        of bytes: [UInt8], part: (BatchHeader) -> Range<Int>?
    ) throws(WireError) -> BatchDecoder {
        let header = try BatchHeader(of: bytes)
        let body: ByteReader
        switch header.body {
        case .plain:
            body = ByteReader(bytes, range: header.bodyOffset..<bytes.count)
        case .deflated(let dictionary, let byteCount):
            var inflater = Inflater(dictionary: PresetDictionary.bytes(of: dictionary))
            body = ByteReader(
                try inflater.finish(bytes, from: header.bodyOffset, byteCount: byteCount))
        }
        return BatchDecoder(header, body: body, part: part(header))
    }

    /// Bytes of columns before deflate, salts apart.
    ///
    /// - Throws: the rule or limit that the changes break.
    package func columnByteCount() throws(WireError) -> Int {
        try columns().byteCount
    }

    /// Whether these changes may travel as one batch.
    package func fits() -> Bool {
        (try? encoded(compress: false)) != nil
    }

    private func columns() throws(WireError) -> BatchEncoder {
        if let code = malformation { throw WireError(code, offset: 0) }
        do throws(WireError.Code) {
            var byteCount = 0
            for change in changes { byteCount += try ChangeRules.check(change) }
            guard byteCount <= Limits.expandedBytesPerBatch else {
                throw .limitExceeded(.expandedBytes)
            }
        } catch {
            throw WireError(error, offset: 0)
        }
        var columns = try BatchEncoder(self)
        if columns.byteCount > Limits.columnBytes {
            columns = try BatchEncoder(self, alwaysWords: true)
        }
        guard columns.byteCount <= Limits.columnBytes else {
            throw WireError(.limitExceeded(.columnBytes), offset: 0)
        }
        guard columns.writer.count <= Limits.inflatedBytes else {
            throw WireError(.limitExceeded(.inflatedBytes), offset: 0)
        }
        return columns
    }

    /// What keeps these changes from being one run, if anything.
    private var malformation: WireError.Code? {
        if changes.isEmpty || first == 0 { return .outOfRange(.change) }
        if changes.count > Limits.changesPerBatch { return .limitExceeded(.changes) }
        if first > UInt64.max - UInt64(changes.count - 1) { return .outOfRange(.sequence) }
        for (index, change) in changes.enumerated() {
            guard change.origin == origin, change.sequence == first + UInt64(index) else {
                return .outOfRange(.sequence)
            }
        }
        if salts.reduce(0, { $0 + $1.changes }) != changes.count { return .outOfRange(.run) }
        if !salts.allSatisfy(\.isWellFormed) { return .outOfRange(.salt) }
        let tipCount = changes.reduce(0) { sum, change in
            change.contextDelta.reduce(sum) { $0 + $1.tips.count }
        }
        if tipCount > Limits.itemsPerBatch { return .limitExceeded(.tips) }
        let saltCount = changes.reduce(0) { $1.groups.reduce($0) { $0 + $1.saltCount } }
        return saltCount > Limits.saltsPerBatch ? .limitExceeded(.salts) : nil
    }
}
