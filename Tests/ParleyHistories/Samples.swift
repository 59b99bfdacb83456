package import ParleyCRDT

// Short names for what the tests are about: writers, their changes, fields and values.

extension Origin {
    /// The writer with that number; higher numbers sort later.
    package static func writer(_ number: Int, epoch: UInt64 = 1) -> Origin {
        let bytes = [UInt8](repeating: 0, count: 31) + [UInt8(number)]
        return Origin(node: NodeID(bytes: bytes)!, epoch: epoch)
    }
}

extension Dot {
    /// A writer's change; `branch` tells apart two changes with one number.
    package static func change(_ sequence: UInt64, by writer: Int, branch: UInt8 = 0) -> Dot {
        let hash = UInt128(sequence) << 64 | UInt128(branch) << 32 | UInt128(writer)
        return Dot(origin: .writer(writer), sequence: sequence, hash: HashPrefix(hash))
    }
}

extension Clock {
    /// What somebody knows who has applied the given number of changes of writers 0, 1, 2...
    package static func applied(_ counts: [Int]) -> Clock {
        Clock(
            counts.enumerated().filter { $0.element > 0 }.map { writer, count in
                let dot = Dot.change(UInt64(count), by: writer)
                return Entry(origin: dot.origin, tip: dot.tip)
            })
    }
}

extension FieldName {
    package static let place = FieldName("place")!
    package static let tags = FieldName("tags")!
}

extension Value {
    package static func of(_ text: String) -> Value { .text(Array(text.utf8)) }

    package static let red = Value.of("red")
    package static let blue = Value.of("blue")
}

extension CellWrite {
    package static func write(_ values: Value..., to field: FieldName = .place) -> CellWrite {
        CellWrite(target: .register(field), values: values, drops: .covered)
    }

    package static func resolve(
        _ dots: [Dot], to values: Value..., in field: FieldName = .place
    ) -> CellWrite {
        CellWrite(target: .register(field), values: values, drops: .named(dots))
    }

    package static func add(_ element: Value, to field: FieldName = .tags) -> CellWrite {
        CellWrite(target: .element(field, element), values: [.present], drops: .covered)
    }

    package static func remove(_ element: Value, from field: FieldName = .tags) -> CellWrite {
        CellWrite(target: .element(field, element), values: [], drops: .covered)
    }

    package static let delete = CellWrite(target: .state, values: [.deleted], drops: .covered)
    package static let restore = CellWrite(target: .state, values: [.live], drops: .covered)

    package static func resolveState(_ dots: [Dot], to values: Value...) -> CellWrite {
        CellWrite(target: .state, values: values, drops: .named(dots))
    }
}
