import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire
import Testing

struct InvitationTests {
    let invitation = Invitation(
        casebook: Sample.casebook, inviter: Sample.identity(1).node,
        secret: [UInt8](1...16), expires: 1_800_000_000_000, address: "node.example:7440")

    @Test func survivesItsTextForm() throws {
        #expect(try Invitation(text: invitation.text) == invitation)
    }

    @Test func isReadInCapitalsAndWithLineBreaks() throws {
        let shouted = invitation.text.uppercased().replacing("-", with: "-\n ")
        #expect(try Invitation(text: shouted) == invitation)
    }

    /// Every single wrong character is found, and the part it is in is named.
    @Test func aTypingErrorIsPointedAt() throws {
        let parts = invitation.text.split(separator: "-").map(String.init)
        for (number, part) in parts.enumerated().dropFirst() {
            for position in part.indices {
                var wrong = part
                let replacement = part[position] == "7" ? "8" : "7"
                wrong.replaceSubrange(position...position, with: replacement)
                var typed = parts
                typed[number] = wrong
                #expect(throws: InvitationError.wrongPart(number, text: wrong)) {
                    try Invitation(text: typed.joined(separator: "-"))
                }
            }
        }
    }

    /// People read `o` for 0, and `i` and `l` for 1.
    @Test func lettersThatLookLikeDigitsAreReadAsThem() throws {
        let text = invitation.text
        #expect(text.contains("0") && text.dropFirst(8).contains("1"), "the sample must show it")
        for (digit, letter) in [("0", "O"), ("1", "I"), ("1", "l")] {
            let parts = text.split(separator: "-")
            let typed =
                parts[0] + "-"
                + parts.dropFirst().map { part in
                    String(part.map { String($0) == digit ? Character(letter) : $0 })
                }.joined(separator: "-")
            #expect(try Invitation(text: String(typed)) == invitation)
        }
    }

    @Test(arguments: ["u", "é", "_"])
    func whatIsNoSymbolIsPointedAt(character: String) throws {
        let parts = invitation.text.split(separator: "-").map(String.init)
        let wrong = character + parts[2].dropFirst()
        let typed = (parts[..<2] + [wrong] + parts[3...]).joined(separator: "-")
        #expect(throws: InvitationError.wrongPart(2, text: wrong)) { try Invitation(text: typed) }
    }

    @Test func aMissingPartIsNoticed() throws {
        let parts = invitation.text.split(separator: "-")
        let short = parts.dropLast().joined(separator: "-")
        #expect(throws: InvitationError.incomplete) { try Invitation(text: short) }
        #expect(throws: InvitationError.notAnInvitation) { try Invitation(text: "hello") }
    }
}

struct TicketTests {
    @Test func onlyTheCoordinatorsSignatureCounts() throws {
        let coordinator = Sample.identity(3)
        let member = Sample.identity(4).node
        let admission = Dot(
            origin: Origin(node: coordinator.node, epoch: 1), sequence: 5, hash: HashPrefix(8))
        let ticket = Ticket.signed(
            casebook: Sample.casebook, node: member, role: .editor, admission: admission,
            by: coordinator)
        #expect(ticket.isSigned)
        let altered = Ticket(
            casebook: ticket.casebook, node: ticket.node, role: .coordinator,
            admission: ticket.admission, coordinator: ticket.coordinator,
            signature: ticket.signature)
        #expect(!altered.isSigned)
    }
}

struct ClockDigestTests {
    @Test func differsWhereClocksDiffer() {
        let origin = Sample.author.origin
        let one = Clock([Clock.Entry(origin: origin, tip: Tip(sequence: 1, hash: HashPrefix(1)))])
        let two = Clock([Clock.Entry(origin: origin, tip: Tip(sequence: 1, hash: HashPrefix(2)))])
        #expect(one.digest != two.digest)
        #expect(one.digest != Clock().digest)
        #expect(one.digest == Clock(one.entries).digest)
    }
}
