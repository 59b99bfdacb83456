/// One of `types`.
package struct TypeAnswer: Decodable, Sendable {
    struct Field: Decodable, Sendable {
        let field: String
        let kind: String
        let set: Bool
        let sensitive: Bool
        let example: String
    }

    let type: String
    let summary: String
    let fields: [Field]
}
