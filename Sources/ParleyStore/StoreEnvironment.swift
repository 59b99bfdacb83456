package import ParleyCRDT

/// What a store takes from the world: time and chance, injected so that tests can repeat a run, and
/// by which fields its records are looked for.
package struct StoreEnvironment: Sendable {
    /// Milliseconds since 1970 by the wall clock, which may stand still or jump.
    package let wallMilliseconds: @Sendable () -> UInt64
    /// As many random bytes as asked for, good enough for secrets.
    package let randomBytes: @Sendable (Int) -> [UInt8]

    /// Fields by whose values records are found without reading all of them.
    package let indexedFields: [FieldName]

    package init(
        wallMilliseconds: @escaping @Sendable () -> UInt64,
        randomBytes: @escaping @Sendable (Int) -> [UInt8] = StoreEnvironment.systemRandomBytes,
        indexedFields: [FieldName] = []
    ) {
        self.wallMilliseconds = wallMilliseconds
        self.randomBytes = randomBytes
        self.indexedFields = indexedFields
    }

    /// The same time and chance, looking for records by other fields.
    package func indexing(_ fields: [FieldName]) -> StoreEnvironment {
        StoreEnvironment(
            wallMilliseconds: wallMilliseconds, randomBytes: randomBytes, indexedFields: fields)
    }

    package static let systemRandomBytes: @Sendable (Int) -> [UInt8] = { count in
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// The machine's own clock and random numbers.
    package static let system = StoreEnvironment(wallMilliseconds: SystemClock.milliseconds)

    /// 64 random bits.
    func randomWord() -> UInt64 {
        randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
