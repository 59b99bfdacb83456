import ParleyLog

extension Invitation {
    /// Reads an invitation as it may come from a terminal or a letter, with line breaks, spaces and
    /// dashes anywhere.
    ///
    /// - Throws: what is wrong with the text as it is, should no regrouping help.
    init(copied text: String) throws(InvitationError) {
        do {
            try self.init(text: text)
        } catch {
            guard let invitation = try? Invitation(text: Invitation.regrouped(text)) else {
                throw error
            }
            self = invitation
        }
    }

    /// The same characters in the groups they were written in.
    private static func regrouped(_ text: String) -> String {
        let lead = "parley1"
        let characters = Array(text.lowercased().filter { !$0.isWhitespace && $0 != "-" })
        guard String(characters.prefix(lead.count)) == lead else { return text }
        let body = characters.dropFirst(lead.count)
        let groups = stride(from: body.startIndex, to: body.endIndex, by: groupLength).map {
            String(body[$0..<min($0 + groupLength, body.endIndex)])
        }
        return ([lead] + groups).joined(separator: "-")
    }

    /// See Protocol/parley-1.md, "Invitations".
    private static let groupLength = 8
}
