/// An answer may be of any size (`list --limit 0`), a frame may not. The text of a large one travels
/// in pieces, each in a response of its own, so that neither side holds more than a piece for the
/// socket's sake, and a slow reader slows down who sends.
///
/// It is cut between two Unicode scalars, wherever a piece is full. Who reads the document puts the
/// pieces together; who only passes it on, as `--json` does, needn't.
struct ResponsePieces: Sequence, IteratorProtocol {
    private let response: Response
    private let byteLimit: Int
    /// `nil` once the last piece is out.
    private var rest: Substring?

    /// - Parameter byteLimit: of the text of one piece; one scalar, up to 4 bytes, must fit.
    init(_ response: Response, byteLimit: Int) {
        precondition(byteLimit >= 4, "one scalar must fit a piece")
        self.response = response
        self.byteLimit = byteLimit
        rest = response.json?[...] ?? ""
    }

    /// The last piece carries whatever else the response says.
    mutating func next() -> Response? {
        guard let text = rest else { return nil }
        guard text.utf8.count > byteLimit else {
            rest = nil
            return response.ending(in: text)
        }
        let end = text.cut(after: byteLimit)
        rest = text[end...]
        return Response(json: String(text[..<end]), continues: true, isPiece: true)
    }
}

extension Response {
    /// The same with another text in place of its own, if it has one.
    func ending(in text: some StringProtocol) -> Response {
        Response(
            exitCode: exitCode, json: json.map { _ in String(text) }, error: error,
            continues: continues, part: part)
    }
}

extension Substring {
    /// The last boundary between two scalars within the first `byteCount` bytes.
    fileprivate func cut(after byteCount: Int) -> Index {
        var end = utf8.index(startIndex, offsetBy: byteCount)
        while utf8[end] & 0b1100_0000 == 0b1000_0000 { end = utf8.index(before: end) }
        return end
    }
}
