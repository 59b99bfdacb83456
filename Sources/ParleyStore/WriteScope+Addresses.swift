package import ParleyCRDT

extension WriteScope {
    /// Forgets where a node was said to be; it may be told again.
    ///
    /// - Returns: whether it was known.
    package func forgetAddress(_ address: String, of node: NodeID) throws -> Bool {
        guard try addresses(of: node).contains(address) else { return false }
        let query = try Query(db, "DELETE FROM address WHERE node = ?1 AND address = ?2")
        query.bind(1, blob: node.bytes)
        query.bind(2, text: address)
        try query.run()
        return true
    }
}
