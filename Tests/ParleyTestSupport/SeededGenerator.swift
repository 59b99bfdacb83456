/// Random numbers that depend on a seed alone, so that what failed once fails again.
///
/// Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014),
/// SplitMix64.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A whole number from 0 up to but not including `bound`.
    ///
    /// The standard library's `random(in:using:)` may change its method between releases; this
    /// one may not, because workloads are compared across them.
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "nothing lies below zero")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    package mutating func element<Element>(of elements: [Element]) -> Element {
        elements[below(elements.count)]
    }

    /// Whether something happens that happens `percent` times out of a hundred.
    package mutating func chance(percent: Int) -> Bool {
        below(100) < percent
    }
}
