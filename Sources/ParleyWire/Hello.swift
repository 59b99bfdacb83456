package import ParleyCRDT

/// The first message of a known peer, in both directions.
package struct Hello: Hashable, Sendable {
    /// The version this module speaks.
    package static let currentVersion: UInt64 = 1

    /// A casebook of which the receiver is a member by the sender's log.
    package struct Casebook: Hashable, Sendable {
        package let id: Digest
        /// The digest of the sender's held clock; equal digests end the work here.
        package let clockDigest: HashPrefix

        package init(id: Digest, clockDigest: HashPrefix) {
            self.id = id
            self.clockDigest = clockDigest
        }
    }

    package let version: UInt64
    /// Bits of features without which the sender can't be understood.
    package let requiredFeatures: UInt64
    package let optionalFeatures: UInt64
    /// Random, drawn at every start: tells two connections between the same runs from a restart.
    package let run: UInt64
    /// Sorted by ID.
    package let casebooks: [Casebook]

    package init(
        version: UInt64 = Hello.currentVersion, requiredFeatures: UInt64 = 0,
        optionalFeatures: UInt64 = 0, run: UInt64, casebooks: [Casebook]
    ) {
        self.version = version
        self.requiredFeatures = requiredFeatures
        self.optionalFeatures = optionalFeatures
        self.run = run
        self.casebooks = casebooks.sorted { $0.id < $1.id }
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(version)
        writer.varint(requiredFeatures)
        writer.varint(optionalFeatures)
        writer.u64(run)
        writer.varint(casebooks.count)
        for casebook in casebooks {
            writer.digest(casebook.id)
            writer.prefix(casebook.clockDigest)
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        version = try reader.varint(in: 1...UInt64.max, .version)
        requiredFeatures = try reader.varint()
        optionalFeatures = try reader.varint()
        run = try reader.u64()
        let count = try reader.count(elementSize: 48, limit: Limits.casebooks, .casebooks)
        var casebooks: [Casebook] = []
        casebooks.reserveCapacity(count)
        for _ in 0..<count {
            let position = reader.offset
            let id = try reader.digest()
            if let last = casebooks.last, last.id >= id {
                throw WireError(.unsorted(.casebook), offset: position)
            }
            casebooks.append(Casebook(id: id, clockDigest: try reader.prefix()))
        }
        self.casebooks = casebooks
    }
}
