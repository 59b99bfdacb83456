extension RecordType {
    /// What happened around exchanges and detentions.
    static let circumstances: [RecordType] = [
        titled(
            "incident", "clashes, a siege or another event with consequences for detainees",
            [
                .choice("kind", .incidentKind, .open), .date("began"), .date("ended"),
                .text("place"), .set("parties"), .count("dead"), .count("injured"),
                .count("displaced"), .count("detained"), .longText("government_role"),
                .text("siege"), .longText("narrative"), .set("sources"),
            ])
    ]
}
