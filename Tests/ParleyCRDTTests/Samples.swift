import ParleyCRDT

// Short names for what the tests are about: writers, their changes, fields and values.

extension Origin {
    /// The writer with that number; higher numbers sort later.
    static func writer(_ number: Int, epoch: UInt64 = 1) -> Origin {
        let bytes = [UInt8](repeating: 0, count: 31) + [UInt8(number)]
        return Origin(node: NodeID(bytes: bytes)!, epoch: epoch)
    }
}

extension Dot {
    /// A writer's change; `branch` tells apart two changes with one number.
    static func change(_ sequence: UInt64, by writer: Int, branch: UInt8 = 0) -> Dot {
        let hash = UInt128(sequence) << 64 | UInt128(branch) << 32 | UInt128(writer)
        return Dot(origin: .writer(writer), sequence: sequence, hash: HashPrefix(hash))
    }
}

extension Clock {
    /// What somebody knows who has applied the given number of changes of writers 0, 1, 2...
    static func applied(_ counts: [Int]) -> Clock {
        Clock(
            counts.enumerated().filter { $0.element > 0 }.map { writer, count in
                let dot = Dot.change(UInt64(count), by: writer)
                return Entry(origin: dot.origin, tip: dot.tip)
            })
    }
}

extension FieldName {
    static let place = FieldName("place")!
    static let tags = FieldName("tags")!
}

extension Value {
    static func of(_ text: String) -> Value { .text(Array(text.utf8)) }

    static let red = Value.of("red")
    static let blue = Value.of("blue")
}

extension CellWrite {
    static func write(_ values: Value..., to field: FieldName = .place) -> CellWrite {
        CellWrite(target: .register(field), values: values, drops: .covered)
    }

    static func resolve(
        _ dots: [Dot], to values: Value..., in field: FieldName = .place
    ) -> CellWrite {
        CellWrite(target: .register(field), values: values, drops: .named(dots))
    }

    static func add(_ element: Value, to field: FieldName = .tags) -> CellWrite {
        CellWrite(target: .element(field, element), values: [.present], drops: .covered)
    }

    static func remove(_ element: Value, from field: FieldName = .tags) -> CellWrite {
        CellWrite(target: .element(field, element), values: [], drops: .covered)
    }

    static let delete = CellWrite(target: .state, values: [.deleted], drops: .covered)
    static let restore = CellWrite(target: .state, values: [.live], drops: .covered)

    static func resolveState(_ dots: [Dot], to values: Value...) -> CellWrite {
        CellWrite(target: .state, values: values, drops: .named(dots))
    }
}
