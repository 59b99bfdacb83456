import ParleyCRDT
import ParleyModel
import ParleyStore

extension ReadScope {
    /// The change somebody means.
    ///
    /// - Parameter node: only changes of its logs; `nil` for all.
    /// - Throws: `notFound`, or `refused` with the candidates where several fit.
    func change(_ pattern: DotPattern, by node: NodeID? = nil) throws -> Dot {
        let dots = try dots(matching: pattern).filter { node == nil || $0.origin.node == node }
        guard let dot = dots.first else { throw NodeError.noChange }
        guard dots.count == 1 else {
            let shown = dots.prefix(NodeError.candidateLimit).map { "`\($0.longText)`" }
            throw NodeError(
                beginning: "that", ofSeveral: "changes", Array(shown), of: dots.count)
        }
        return dot
    }
}
