import ParleyVault
import Testing

/// Sealed bytes come back as they were, or not at all.
@Suite struct SealTests {
    /// Quick to make: what a guess costs is of no concern here.
    private static let cost = ScryptCost(logRounds: 10, blockSize: 1, parallelism: 1)!
    private static let passphrase = Passphrase(utf8: Array("correct horse".utf8))!
    private static let label: [UInt8] = [7, 8, 9]

    private func seal(_ bytes: [UInt8], in pieces: Int = 1_000_000) throws -> [UInt8] {
        var writer = try SealedWriter(
            .backup, label: Self.label, passphrase: Self.passphrase, cost: Self.cost)
        var sealed = writer.header
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            sealed += writer.append(bytes[start..<min(start + pieces, bytes.count)])
        }
        return sealed + writer.finish()
    }

    private func open(
        _ bytes: [UInt8], _ passphrase: Passphrase = passphrase
    ) throws(SealError) -> [UInt8] {
        try SealedReader.open(.backup, bytes, passphrase: passphrase)
    }

    private static func plain(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    }

    private static let header = SealedHeader.fixedByteCount + label.count + 32

    @Test(arguments: [1, 65_535, 65_536, 65_537, 131_072, 200_000])
    func comesBackAsItWas(count: Int) throws {
        let plain = Self.plain(count)
        let sealed = try seal(plain, in: 10_007)
        #expect(try open(sealed) == plain)
        let chunks = (count + 65_535) / 65_536
        #expect(sealed.count == Self.header + count + 16 * chunks)
    }

    @Test func theLabelIsReadWithoutThePassphrase() throws {
        let header = try SealedHeader(try seal([1]), kind: .backup)
        #expect(header.label == Self.label)
        #expect(header.cost == Self.cost)
    }

    @Test func twoFilesOfTheSameAreDifferent() throws {
        #expect(try seal([1, 2, 3]).suffix(19) != seal([1, 2, 3]).suffix(19))
    }

    @Test func anotherPassphraseOpensNothing() throws {
        let sealed = try seal([1, 2, 3])
        let other = try #require(Passphrase(utf8: Array("correct horsf".utf8)))
        #expect(throws: SealError.passphrase) { try open(sealed, other) }
    }

    /// Every byte of the header and of the end, and one of each chunk.
    @Test func noByteCanBeAltered() throws {
        let sealed = try seal(Self.plain(140_000))
        let ends = Array(sealed.indices.prefix(Self.header + 2)) + sealed.indices.suffix(20)
        for index in ends + [Self.header + 65_552, Self.header + 70_000] {
            var altered = sealed
            altered[index] ^= 1
            #expect(throws: SealError.self, "byte \(index)") { try open(altered) }
        }
    }

    @Test func nothingCanBeCutOff() throws {
        let sealed = try seal(Self.plain(140_000))
        let chunk = SealedReader.chunkByteCount
        for count in [0, 1, 27, 28, Self.header - 1, Self.header, Self.header + 10] {
            #expect(throws: SealError.self, "\(count)") { try open(Array(sealed.prefix(count))) }
        }
        for chunks in [1, 2] {
            let cut = Array(sealed.prefix(Self.header + chunks * chunk))
            #expect(throws: SealError.cut) { try open(cut) }
        }
        #expect(throws: SealError.altered) { try open(sealed.dropLast()) }
    }

    @Test func chunksCanNeitherBeSwappedNorAdded() throws {
        let sealed = try seal(Self.plain(140_000))
        let (start, chunk) = (Self.header, SealedReader.chunkByteCount)
        let first = sealed[start..<start + chunk]
        let second = sealed[(start + chunk)..<(start + 2 * chunk)]
        let rest = sealed[(start + 2 * chunk)...]
        let head = Array(sealed[..<start])
        #expect(throws: SealError.altered) { try open(head + second + first + rest) }
        #expect(throws: SealError.altered) { try open(head + first + first + second + rest) }
        #expect(throws: SealError.altered) { try open(head + first + rest) }
        #expect(throws: SealError.altered) { try open(sealed + [0]) }
        #expect(throws: SealError.altered) { try open(sealed + rest) }
    }

    @Test func chunksOfAnotherFileDoNotFit() throws {
        let (one, other) = (try seal(Self.plain(70_000)), try seal(Self.plain(70_000)))
        let mixed = one.prefix(Self.header + 65_552) + other.dropFirst(Self.header + 65_552)
        #expect(throws: SealError.altered) { try open(Array(mixed)) }
    }

    @Test func otherFilesAreNamedForWhatTheyAre() throws {
        let sealed = try seal([1])
        #expect(throws: SealError.foreign) { try open(Array("SQLite format 3\0".utf8)) }
        #expect(throws: SealError.foreign) {
            try SealedReader.open(.key, sealed, passphrase: Self.passphrase)
        }
        var newer = sealed
        newer[7] = 2
        #expect(throws: SealError.version(2)) { try open(newer) }
    }

    /// Whoever made the file must not decide how long this machine is busy.
    @Test(arguments: [[21, 1, 1], [9, 1, 1], [20, 9, 1], [17, 0, 1], [17, 17, 1], [17, 8, 9]])
    func aCostBeyondTheBoundsIsRefused(cost: [UInt8]) throws {
        var sealed = try seal([1])
        sealed.replaceSubrange(8..<11, with: cost)
        #expect(throws: SealError.cost) { try open(sealed) }
        #expect(ScryptCost(logRounds: cost[0], blockSize: cost[1], parallelism: cost[2]) == nil)
    }

    @Test func aPassphraseHasAtLeastOneByteAndIsNeverPrinted() {
        #expect(Passphrase(utf8: []) == nil)
        #expect(Passphrase(utf8: [UInt8](repeating: 65, count: 1_025)) == nil)
        #expect("\(Self.passphrase)" == "<passphrase>")
        #expect(String(reflecting: Self.passphrase).contains("correct") == false)
    }
}
