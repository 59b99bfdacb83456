/// What is wrong with a casebook's file.
enum CasebookTrouble {
    case unopened(UnopenedCasebook)
    /// Another file holds the same casebook and is used.
    case repeated(NodeError)
    /// A check of an open one found something.
    case damaged(NodeError)
    /// What others ask for or send can't be read or written.
    case failing(NodeError)

    var error: NodeError {
        switch self {
        case .unopened(let casebook): casebook.error
        case .repeated(let error), .damaged(let error), .failing(let error): error
        }
    }

    /// The casebook that couldn't be opened, where that is the trouble.
    var unopened: UnopenedCasebook? {
        if case .unopened(let casebook) = self { casebook } else { nil }
    }
}
