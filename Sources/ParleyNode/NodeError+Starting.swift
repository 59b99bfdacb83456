import ParleyControl
import ParleyTransport

extension NodeError {
    /// Why a daemon can't start.
    init(starting home: Home, listen: String, _ error: any Error) {
        switch error {
        case let error as NodeError: self = error
        case let error as ListenError:
            self.init(
                .refused,
                "cannot listen on \(listen): \(error.reason). Choose another address with --listen, or stop what uses it."
            )
        case let error as ControlError:
            self.init(
                Kind(rawValue: error.exitCode) ?? .refused, error.explanation(home: home.path))
        default:
            self.init(
                .refused,
                "cannot start on \(home.path), and this version has no words for why: \(error). Check the folder and the disk; if both are well, report this line."
            )
        }
    }
}
