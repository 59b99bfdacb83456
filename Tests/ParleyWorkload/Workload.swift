package import Foundation
import ParleyTestSupport

/// Flat records of ten fields, about 450 bytes of JSON each, and edits to them: the same on every
/// run, with a few frequent values and many rare ones, as in real casework.
package struct Workload {
    /// One field of one record gets another value.
    package struct Edit {
        package let record: String
        package let field: String
        package let value: String

        package init(record: String, field: String, value: String) {
            self.record = record
            self.field = field
            self.value = value
        }
    }

    package static let fields = [
        "kind", "title", "place", "facility", "status", "held_by", "date", "count", "url", "notes",
    ]
    private static let editable = [
        "status", "held_by", "count", "date", "place", "facility", "title", "notes",
    ]

    private let seed: UInt64
    private let vocabulary = Vocabulary()

    package init(seed: UInt64 = 1) {
        self.seed = seed
    }

    /// The records one by one, as values in the order of `fields`.
    package func records(_ count: Int) -> some Sequence<[String]> {
        sequence(state: (left: count, random: SeededGenerator(seed: seed))) { state in
            guard state.left > 0 else { return nil }
            state.left -= 1
            return Workload.fields.map { vocabulary.value(of: $0, &state.random) }
        }
    }

    /// The JSON object of a record; no value needs an escape.
    package static func json(_ values: [String]) -> String {
        let members = zip(fields, values).map { "\"\($0)\":\"\($1)\"" }
        return "{\(members.joined(separator: ","))}"
    }

    /// Writes the records as lines that `parley import` takes.
    ///
    /// - Returns: the size of the file in bytes.
    package func write(records: Int, to file: URL) throws -> Int {
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        let handle = try FileHandle(forWritingTo: file)
        defer { try? handle.close() }
        var chunk = Data()
        var byteCount = 0
        for values in self.records(records) {
            let line = "{\"type\":\"report\",\"fields\":\(Workload.json(values))}\n"
            chunk.append(contentsOf: line.utf8)
            byteCount += line.utf8.count
            guard chunk.count > 1 << 20 else { continue }
            try handle.write(contentsOf: chunk)
            chunk.removeAll(keepingCapacity: true)
        }
        try handle.write(contentsOf: chunk)
        return byteCount
    }

    /// Two streams of single-field edits made apart; a tenth hits the same field on both sides.
    package func edits(of records: [String], count: Int) -> (first: [Edit], second: [Edit]) {
        var random = SeededGenerator(seed: seed &+ 5)
        var used: Set<String> = []
        func places(_ count: Int) -> [(record: String, field: String)] {
            var places: [(record: String, field: String)] = []
            while places.count < count {
                let place = (random.element(of: records), random.element(of: Workload.editable))
                if used.insert("\(place.0) \(place.1)").inserted { places.append(place) }
            }
            return places
        }
        let shared = places(count / 10)
        let streams = (0..<2).map { _ in
            (shared + places(count - shared.count)).shuffled(using: &random).map { place in
                Edit(
                    record: place.record, field: place.field,
                    value: vocabulary.value(of: place.field, &random))
            }
        }
        return (streams[0], streams[1])
    }
}

/// The words the values are made of.
private struct Vocabulary {
    private static let kinds = ["transfer", "sighting", "request", "message", "visit", "report"]
    private static let statuses = [
        "open", "held", "moved", "released", "unknown", "confirmed", "disputed", "closed",
    ]
    private static let consonants = Array("bcdfghjklmnprstvz")
    private static let vowels = Array("aeiou")

    private var words: [String] = []
    private var places: [String] = []
    private var facilities: [String] = []
    private var actors: [String] = []

    init() {
        var random = SeededGenerator(seed: 4_242)
        var seen: Set<String> = []
        while words.count < 2_000 {
            let word = Vocabulary.word(&random)
            if seen.insert(word).inserted { words.append(word) }
        }
        func name() -> String { random.element(of: words).capitalized }
        places = (0..<200).map { _ in "\(name()) \(name())" }
        facilities = (0..<50).map { "\(name()) Detention Centre \($0)" }
        actors = (0..<20).map { _ in "\(name()) Brigade" }
    }

    func value(of field: String, _ random: inout SeededGenerator) -> String {
        switch field {
        case "kind": skewed(Vocabulary.kinds, &random)
        case "title": text(bytes: 30 + random.below(21), &random).capitalized
        case "place": skewed(places, &random)
        case "facility": skewed(facilities, &random)
        case "status": skewed(Vocabulary.statuses, &random)
        case "held_by": skewed(actors, &random)
        case "date": date(&random)
        case "count": String(random.below(40))
        case "url": url(&random)
        default: text(bytes: 95 + random.below(51), &random)
        }
    }

    private func date(_ random: inout SeededGenerator) -> String {
        let year = 2011 + random.below(15)
        let month = 1 + random.below(12)
        let day = 1 + random.below(28)
        return "\(year)-\(padded(month))-\(padded(day))"
    }

    private func padded(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }

    private func url(_ random: inout SeededGenerator) -> String {
        let path = "\(skewed(words, &random))/\(skewed(words, &random))"
        let name = String(random.next() >> 32, radix: 16)
        return "https://archive.example.org/\(path)/\(name)-\(random.below(1_000_000))"
    }

    private func text(bytes: Int, _ random: inout SeededGenerator) -> String {
        var text = skewed(words, &random)
        while text.utf8.count < bytes { text += " " + skewed(words, &random) }
        let end = text.utf8.prefix(bytes)
        return String(decoding: end, as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }

    /// Quadratic skew: a few values are frequent.
    private func skewed(_ values: [String], _ random: inout SeededGenerator) -> String {
        let fraction = Double(random.next() >> 11) / Double(1 << 53)
        return values[Int(fraction * fraction * Double(values.count))]
    }

    private static func word(_ random: inout SeededGenerator) -> String {
        var word = ""
        for _ in 0...random.below(4) {
            word.append(random.element(of: consonants))
            word.append(random.element(of: vowels))
        }
        return random.chance(percent: 50) ? word + String(random.element(of: Array("nrslt"))) : word
    }
}
