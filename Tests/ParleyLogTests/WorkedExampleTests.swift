import Foundation
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire
import Testing

/// The worked example of Protocol/parley-1.md §20: hashes, signature and record ID as printed there.
struct WorkedExampleTests {
    private func digest(_ text: String) throws -> Digest {
        let bytes = try #require(Hexadecimal.bytes(of: text))
        return try #require(Digest(bytes: bytes))
    }

    /// The bytes of a vector: hexadecimal digits, comments from `#` to the end of the line.
    private func vector(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Protocol/vectors/valid")
        let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        let digits = text.split(separator: "\n").map { $0.prefix { $0 != "#" } }.joined()
        return try #require(Hexadecimal.bytes(of: digits.filter { !$0.isWhitespace }))
    }

    @Test func theSpecificationsHashesAndSignatureHold() throws {
        let casebook = try digest(
            "d108a8bf0fb4ffadecaf8ce22742b1e77fca35d51357a239cc80ad4c551e6477")
        let batch = try VerifiedBatch(
            bytes: vector("signed-founding.hex"), casebook: casebook, previous: .zero)
        let second = try digest(
            "6de41274dfc909d0e0b7eef6bbd07060038c8be42dd31fdd7cb59f2adcce725f")
        #expect(batch.hashes == [casebook, second])
        #expect(
            RecordID(change: second, group: 0).text == "b0d7ecad69feb44ef4441e58b3ac2600")
    }

    @Test func theSpecificationsSaltsAndDigestsHold() throws {
        let batch = try VerifiedBatch(
            bytes: vector("signed-founding.hex"),
            casebook: digest("d108a8bf0fb4ffadecaf8ce22742b1e77fca35d51357a239cc80ad4c551e6477"),
            previous: .zero
        ).batch
        let salts = batch.changeSalts[1]
        let salt = try #require(salts.salt(sequence: 2, group: 0, slot: 2))
        #expect(Hexadecimal.text(of: salt) == "5a90fc9e026a88723de17af0b3cabb82")
        var hasher = ChangeHasher()
        let change = batch.changes[1]
        #expect(
            try hasher.digest(of: change.groups[0], index: 0, in: change, salts: salts)
                == digest("e7eeda991d5f973682c36566a746fc6f6420b0926f065874cd0ff2d08ec155a9"))
        #expect(
            try hasher.digest(of: change.groups[1], index: 1, in: change, salts: salts)
                == digest("0660d0cfab49f9b0857ed2744e604e63a2ad5c803cc7660ae56088a9451a6d08"))
    }

    /// What the page prints, without the white space between groups of digits.
    private func page() throws -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Protocol")
        return try String(contentsOf: folder.appending(path: "parley-1.md"), encoding: .utf8)
            .filter { !$0.isWhitespace }
    }

    @Test func theSpecificationsTicketAndInvitationHold() throws {
        let identity = try #require(Identity(privateKey: Array(0...31)))
        let casebook = try digest(
            "d108a8bf0fb4ffadecaf8ce22742b1e77fca35d51357a239cc80ad4c551e6477")
        let origin = Origin(node: identity.node, epoch: 0x0102_0304_0506_0708)
        let second = try digest(
            "6de41274dfc909d0e0b7eef6bbd07060038c8be42dd31fdd7cb59f2adcce725f")
        let member = try #require(NodeID(bytes: Array(32...63)))
        let ticket = Ticket.signed(
            casebook: casebook, node: member, role: .editor,
            admission: Dot(origin: origin, sequence: 2, hash: second.prefix), by: identity)
        let encoded = Array(Message.ticket(ticket).encoded().dropFirst())
        #expect(try page().contains(Hexadecimal.text(of: encoded)))
        let invitation = Invitation(
            casebook: casebook, inviter: identity.node, secret: Array(1...16),
            expires: 1_800_000_000_000, address: "node.example:7440")
        #expect(try page().contains(invitation.text))
    }
}
