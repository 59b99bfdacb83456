/// What records can hold, as `types` prints it.
enum TypePage {
    static func list(_ types: [TypeAnswer], on screen: Screen) -> String {
        var table = Table("type", "what it records")
        table.rows = types.map { [.init($0.type), .init($0.summary)] }
        return table.text(on: screen) + "\nthe fields of one: parley types \(types[0].type)\n"
    }

    static func fields(of types: [TypeAnswer], on screen: Screen) -> String {
        types.map { type in
            var table = Table("field", "kind", "sensitive", "example")
            table.rows = type.fields.map { field in
                [
                    .init(field.field), .init(field.set ? "set of \(field.kind)" : field.kind),
                    .init(field.sensitive ? "yes" : "", .attention),
                    .init(example(of: field), .faint),
                ]
            }
            return screen.paint(type.type, .title) + ": \(type.summary)\n\n"
                + table.text(on: screen)
        }.joined(separator: "\n")
    }

    private static func example(of field: TypeAnswer.Field) -> String {
        "\(field.field)\(field.set ? "+=" : "=")\(ShellWord.quoted(field.example))"
    }
}
