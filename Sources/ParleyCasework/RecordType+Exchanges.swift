extension RecordType {
    /// Exchanges and what leads to them.
    static let exchanges: [RecordType] = [
        titled(
            "exchange", "people released by two sides, together or in stages",
            [
                .choice("kind", .exchangeKind, .open), .choice("stage", .stage, .open),
                .date("date", .open), .text("place"), .set("parties"), .set("mediators"),
                .set("facilitators"), .set("supervisors"), .set("negotiators"),
                .text("side_a"), .text("side_b"), .count("released_by_a"),
                .count("released_by_b"), .count("offered_by_a"), .count("offered_by_b"),
                .text("category_a"), .text("category_b"), .text("held_at_a"),
                .text("held_at_b"), .reference("agreement"), .reference("negotiation"),
                .longText("conditions"), .text("outcome"), .longText("narrative"),
                .set("sources"),
            ]),
        titled(
            "leg", "one direction or one hop of an exchange",
            [
                .reference("exchange"), .text("from_actor"), .text("to_actor"),
                .text("origin"), .text("handover_point"), .text("destination"),
                .text("carrier"), .date("departed"), .date("arrived"), .count("count"),
                .choice("category", .legalCategory), .set("sources"),
            ]),
        titled(
            "listing", "one version of a list of names",
            [
                .reference("exchange"), .reference("negotiation"), .text("issued_by"),
                .date("date"), .text("purpose"), .count("count"), .reference("source"),
                .text("file_hash"),
            ]),
        titled(
            "entry", "a person on a list or in a leg",
            [
                .reference("person", .restricted), .text("name_as_written", .restricted),
                .reference("listing"), .reference("leg"), .choice("role", .partyRole),
                .choice("status", .entryStatus), .text("number"),
                .text("home_region", .restricted), .reference("source"),
            ]),
        titled(
            "negotiation", "talks about an exchange",
            [
                .set("parties"), .text("channel"), .set("mediators"), .text("framework"),
                .set("rounds"), .longText("demands"), .choice("status", .stage),
                .references("exchanges"), .set("sources"),
            ]),
        titled(
            "offer", "what one side offered the other",
            [
                .reference("negotiation"), .reference("exchange"), .text("by"), .text("to"),
                .date("date"), .count("count"), .choice("category", .legalCategory),
                .longText("terms"), .text("response"), .reference("source"),
            ]),
        titled(
            "agreement", "a settlement, road map or framework that was announced",
            [
                .text("kind", .open), .date("date"), .text("place"), .set("parties"),
                .set("guarantors"), .count("steps"), .longText("terms"),
                .choice("status", .stage), .set("sources"),
            ]),
    ]
}
