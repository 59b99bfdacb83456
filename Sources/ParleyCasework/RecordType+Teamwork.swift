extension RecordType {
    /// What the team tells itself.
    static let teamwork: [RecordType] = [
        titled(
            "consent", "what somebody allowed us to do with their data",
            [
                .reference("subject", .restricted), .text("given_by", .restricted),
                .choice("scope", .consentScope), .text("share_with"), .text("form"),
                .date("date"), .date("withdrawn_on"),
            ]),
        titled("note", "free text about anything", [.references("about"), .date("date")]),
        titled(
            "task", "something to be done",
            [
                .text("assigned_to"), .date("due"), .text("status", .open),
                .references("about"),
            ]),
        titled(
            "term", "an entry of the team's own vocabulary",
            [
                .text("vocabulary", .open), .text("code", .open), .set("labels", .open),
                .text("maps_to", .open),
            ]),
        titled(
            "rule", "how something is derived, kept or shown",
            [
                .text("kind", .open), .text("applies_to", .open),
                .longText("definition", .open), .date("valid_from", .open),
            ]),
    ]
}
