/// Text that both sides know before the first byte, so that a single small edit deflates too.
///
/// A dictionary is published under a number and never changed; a better one gets the next number.
/// It holds vocabulary and field names only, nothing from real records.
/// Specification: Protocol/parley-1.md "Preset dictionaries"
enum PresetDictionary {
    /// No dictionary.
    static let none: UInt8 = 0
    /// The one new batches are written with.
    static let current: UInt8 = 1

    static func isKnown(_ number: UInt8) -> Bool { number <= current }

    static func bytes(of number: UInt8) -> [UInt8] { number == current ? first : [] }

    /// Likely words last: deflate reaches what is near with fewer bits.
    private static let first = Array(
        """
        unknown confirmed disputed closed open held moved released sighting message visit request \
        transfer report official statement witness family media prisoner of war civilian detainee \
        wounded body remains exchange repatriation detention centre camp hospital prison checkpoint \
        brigade battalion ministry committee red cross commission ombudsman coordination headquarters \
        according to exchanged for on near from by and the between approximately at least \
        https://www. .org/ .com/ 2024-2025-2026- 01-02-03-04-05-06-07-08-09-10-11-12- \
        attachment assessment claim communication detention event message obligation person actor \
        facility source exchange casework aliases captured condition count_a count_b date_from \
        date_to description direction held_by kind language last_seen location medium narrative \
        number parties published rank reliability role sex side_a side_b status subject unit url \
        birth_date name title place date tags note
        """.utf8)
}
