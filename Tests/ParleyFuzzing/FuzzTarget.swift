/// Something that takes bytes from outside, and the laws it keeps whatever they are.
///
/// One execution is one value: what a run leaves behind can't change the next one, so that every
/// input fails again by itself.
package protocol FuzzTarget: Sendable {
    /// As people and scripts call it; also the folder of its inputs in `Corpus`.
    static var name: String { get }

    init()

    /// - Throws: `BrokenLaw`. Bytes that are refused, as most are, break none.
    func run(_ input: [UInt8]) throws
}

/// All targets.
package enum FuzzTargets {
    package static let all: [any FuzzTarget.Type] = [
        FrameTarget.self, InflateTarget.self, BatchTarget.self, MessageTarget.self,
        BackupTarget.self, RequestTarget.self, TextTarget.self, SessionTarget.self,
        RoundTripTarget.self,
    ]

    package static func named(_ name: String) -> (any FuzzTarget)? {
        all.first { $0.name == name }?.init()
    }
}

/// What an input showed not to hold.
package struct BrokenLaw: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Demands that a law holds.
///
/// - Parameter law: the law as a sentence.
func expect(_ holds: @autoclosure () throws -> Bool, _ law: String) throws {
    guard try holds() else { throw BrokenLaw(law) }
}
