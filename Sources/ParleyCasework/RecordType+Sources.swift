extension RecordType {
    /// Where knowledge comes from, and what it is worth.
    static let sources: [RecordType] = [
        named(
            "source", "a report, person or body that says something", .restricted,
            [
                .choice("kind", .sourceKind, .open), .text("publisher"), .text("country"),
                .text("language", .open), .text("access"), .date("date"),
                .references("derived_from"), .text("quoted"), .text("sensitivity"),
                .text("archive_hash"), .text("url"),
            ]),
        titled(
            "citation", "a passage of a source",
            [
                .reference("source"), .text("locator"), .longText("verbatim"),
                .text("language", .open), .longText("translation"), .date("captured_on"),
                .text("file_hash"),
            ]),
        titled(
            "claim", "what a source says about one field of a record",
            [
                .reference("subject"), .text("field"), .longText("value"),
                .reference("citation"), .reference("source"), .text("attributed_to"),
                .choice("stance", .stance, .open), .date("event_date"),
                .date("asserted_on"), .choice("credibility", .grade), .text("entered_by"),
            ]),
        titled(
            "assessment", "what an analyst thinks of a source, claim or record",
            [
                .reference("subject"), .text("field"), .choice("grade", .grade),
                .text("value"), .longText("reasoning"), .text("by"), .date("date"),
            ]),
        titled(
            "identity", "whether two records mean the same person or thing",
            [
                .reference("a", .restricted), .reference("b", .restricted),
                .choice("judgement", .judgement), .longText("evidence", .restricted),
                .text("by"),
            ]),
        titled(
            "attachment", "a file kept beside the records",
            [
                .reference("subject"), .text("hash"), .text("media_type", .open),
                .count("size"), .text("preview_hash"), .text("copy"),
                .date("captured_on"), .text("captured_by", .restricted), .text("tool"),
                .text("class"),
            ]),
        titled(
            "report", "a sighting, message or request as it came in",
            [
                .text("kind", .open), .text("place"), .text("facility"), .text("status"),
                .text("held_by"), .date("date"), .count("count"), .text("url"),
                .longText("notes"), .reference("source"),
            ]),
    ]
}
