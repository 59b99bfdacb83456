extension RecordType {
    /// People and where they are held.
    static let custodies: [RecordType] = [
        named(
            "person", "somebody held, released or sought", .restricted,
            [
                .set("names", .restricted), .choice("sex", .sex, .restricted),
                .date("born", .restricted), .text("age_band", .restricted),
                .set("nationality", .restricted), .text("home_region", .restricted),
                .text("occupation", .restricted), .text("status_at_capture", .restricted),
                .set("identifiers", .sealed), .text("family_contact", .sealed),
                .choice("vital_status", .vitalStatus, .restricted), .references("sources"),
            ]),
        titled(
            "custody", "one person held in one place by one holder",
            [
                .reference("person", .restricted), .text("holder"), .text("facility"),
                .date("from"), .date("until"), .choice("category", .legalCategory),
                .longText("circumstances", .restricted),
                .choice("outside_contact", .contact, .restricted),
                .text("humanitarian_access"), .text("health", .sealed),
                .choice("end", .custodyEnd), .set("sources"),
            ]),
        titled(
            "detention", "a group held together, counted rather than named",
            [
                .text("holder"), .text("facility"), .date("from"), .date("until"),
                .count("held"), .count("released"), .date("released_on"),
                .count("still_held"), .choice("category", .legalCategory),
                .text("legal_basis"), .longText("release_conditions"),
                .reference("exchange"), .set("sources"),
            ]),
        named(
            "facility", "a place where people are held", .team,
            [
                .set("names"), .text("kind", .open), .text("controlled_by"),
                .text("location", .restricted), .text("precision"), .text("status"),
                .count("capacity"), .set("sources"),
            ]),
        named(
            "actor", "a state, armed group, organisation or public figure", .team,
            [
                .set("names"), .text("kind", .open), .text("parent"), .set("affiliations"),
                .set("aliases"), .text("area"), .set("sources"),
            ]),
    ]
}
