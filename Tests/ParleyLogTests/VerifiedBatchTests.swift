import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire
import Testing

struct VerifiedBatchTests {
    @Test func aSignedRunIsAcceptedAsItWasMade() throws {
        let made = try Sample.run(20, author: Sample.author)
        let read = try VerifiedBatch(
            bytes: made.bytes, casebook: Sample.casebook, previous: .zero)
        #expect(read.hashes == made.hashes)
        #expect(read.batch.changes == made.batch.changes)
        #expect(read.last == 20)
    }

    /// A relay passes on what it didn't write. Whatever bit it alters, the run is refused.
    @Test func anyAlteredByteIsRefused() throws {
        let made = try Sample.run(3, author: Sample.author)
        var accepted: [Int] = []
        for index in made.bytes.indices {
            var bytes = made.bytes
            bytes[index] ^= 1 << UInt8(index % 8)
            let read = try? VerifiedBatch(
                bytes: bytes, casebook: Sample.casebook, previous: .zero)
            // The only freedom deflate leaves is another encoding of the very same changes.
            if let read, read.hashes != made.hashes { accepted.append(index) }
        }
        #expect(accepted == [])
    }

    @Test func aRunOfAnotherCasebookIsRefused() throws {
        let made = try Sample.run(2, author: Sample.author)
        let other = Hashing.digest([1])
        #expect(throws: LogError(.wrongSignature, origin: Sample.author.origin)) {
            try VerifiedBatch(bytes: made.bytes, casebook: other, previous: .zero)
        }
    }

    @Test func aRunAfterAnotherPredecessorIsRefused() throws {
        let made = try Sample.run(2, author: Sample.author)
        #expect(throws: LogError(.wrongSignature, origin: Sample.author.origin)) {
            try VerifiedBatch(
                bytes: made.bytes, casebook: Sample.casebook, previous: Hashing.digest([2]))
        }
    }

    @Test func aRunSignedByAnotherKeyIsRefused() throws {
        let thief = LogAuthor(identity: Sample.identity(2), epoch: 7)
        let made = try Sample.run(2, author: Sample.author)
        let head = Head(
            casebook: Sample.casebook, origin: Sample.author.origin, sequence: 2,
            hash: made.hashes[1])
        let forged = Batch(
            origin: made.origin, first: 1, previous: nil,
            signature: head.signature(by: thief.identity), changes: made.batch.changes,
            salts: made.batch.salts)
        let bytes = try forged.encoded(compress: true)
        #expect(throws: LogError(.wrongSignature, origin: Sample.author.origin)) {
            try VerifiedBatch(bytes: bytes, casebook: Sample.casebook, previous: .zero)
        }
    }

    @Test func aFoundingChangeMustBeTheOneTheCasebookIsNamedFor() throws {
        let founding = Change(
            origin: Sample.author.origin, sequence: 1, time: HybridTime(milliseconds: 1),
            contextDelta: [],
            groups: [
                Group(
                    kind: .founding, subject: .casebook,
                    content: .payload(
                        Founding(
                            nonce: [UInt8](repeating: 3, count: 16), casebookName: "test",
                            memberName: "amal", schemaName: "casework", schemaVersion: 1
                        ).encoded))
            ])
        let made = try Sample.author.run(
            of: [founding], casebook: nil, previous: .zero, seed: Sample.seed)
        #expect(made.casebook == made.hashes[0])
        let other = try Sample.author.run(
            of: [founding], casebook: Sample.casebook, previous: .zero, seed: Sample.seed)
        #expect(throws: LogError(.wrongFounding, origin: Sample.author.origin)) {
            try VerifiedBatch(bytes: other.bytes, casebook: Sample.casebook, previous: .zero)
        }
    }
}

/// What an erasure will do to a run must leave its chain as it was.
struct StubTests {
    @Test func aStubbedGroupKeepsTheHash() throws {
        let change = Sample.changes(1, by: Sample.author.origin)[0]
        var hasher = ChangeHasher()
        let whole = try hasher.hash(change, previous: .zero, salts: .seed(Sample.seed))
        let digest = try hasher.digest(
            of: change.groups[0], index: 0, in: change, salts: .seed(Sample.seed))
        let stubbed = Change(
            origin: change.origin, sequence: change.sequence, time: change.time, contextDelta: [],
            groups: [
                Group(kind: .record, subject: .created, content: .stub(digest)), change.groups[1],
            ])
        let reasonSalt = ChangeSalts.seed(Sample.seed).salt(sequence: 1, group: 1, slot: 0)!
        let left = ChangeSalts.explicit([Salt(change: 0, group: 1, slot: 0, bytes: reasonSalt)])
        #expect(try hasher.hash(stubbed, previous: .zero, salts: left) == whole)
    }

    @Test func aSensitiveValueCanGoAlone() throws {
        let change = Sample.changes(1, by: Sample.author.origin)[0]
        var hasher = ChangeHasher()
        let whole = try hasher.hash(change, previous: .zero, salts: .seed(Sample.seed))
        let salts = ChangeSalts.seed(Sample.seed)
        let valueSalt = salts.salt(sequence: 1, group: 0, slot: 1)!
        let commitment = Hashing.digest(valueSalt + [1], Array("name 1".utf8))
        let erased = Operation(
            .write, field: Sample.name, values: [.erased(commitment)], isSensitive: true)
        let redacted = Change(
            origin: change.origin, sequence: 1, time: change.time, contextDelta: [],
            groups: [
                .creation(
                    type: FieldName("person")!, [erased, Sample.write(Sample.title, "title 1")]),
                change.groups[1],
            ])
        #expect(try hasher.hash(redacted, previous: .zero, salts: salts) == whole)
    }

    @Test func aMissingSaltIsRefused() throws {
        let change = Sample.changes(1, by: Sample.author.origin)[0]
        var hasher = ChangeHasher()
        #expect(throws: LogError(.saltMissing(sequence: 1, group: 0))) {
            try hasher.hash(change, previous: .zero, salts: .explicit([]))
        }
    }
}
