/// Text that another person's machine has sent: a name, a title, a reason.
///
/// What a page shows of it is always the printable form, also where it is put into a string without
/// a thought; whoever needs the text as it came has to say so.
package struct ForeignText: Decodable, Hashable, Sendable {
    /// As it came.
    package let raw: String

    package init(_ raw: String) {
        self.raw = raw
    }

    package init(from decoder: any Decoder) throws {
        raw = try decoder.singleValueContainer().decode(String.self)
    }

    /// Safe to print, on one line.
    package var line: String { PrintableText.line(raw) }
}

extension ForeignText: CustomStringConvertible {
    package var description: String { line }
}
