import GRDB
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// Seeds from which the salt of something erased follows. They are known by their hashes only, so
/// that they are recognised wherever they come from, and kept by nobody.
enum DroppedSeeds {
    static func load(_ db: Database) throws -> Set<Digest> {
        Set(
            try Query(db, "SELECT hash FROM dropped_seed").all {
                try Digest(stored: $0.bytes(0))
            })
    }

    static func add(_ hash: Digest, _ db: Database) throws {
        let query = try Query(db, "INSERT OR IGNORE INTO dropped_seed (hash) VALUES (?1)")
        query.bind(1, blob: hash.bytes)
        try query.run()
    }

    /// What a seed is known by.
    static func hash(of seed: [UInt8]) -> Digest { Hashing.digest(seed) }
}

extension Batch {
    /// Whether it carries one of these seeds.
    func carries(_ seeds: Set<Digest>) -> Bool {
        !seeds.isEmpty && self.seeds.contains { seeds.contains(DroppedSeeds.hash(of: $0)) }
    }

    /// The seeds from which salts of something that is taken out follow.
    func seeds(behind removals: [UInt64: Removal]) -> Set<Digest> {
        var hashes: Set<Digest> = []
        for (change, salts) in zip(changes, changeSalts) {
            guard case .seed(let seed) = salts, removals[change.sequence]?.isEmpty == false else {
                continue
            }
            hashes.insert(DroppedSeeds.hash(of: seed))
        }
        return hashes
    }
}
