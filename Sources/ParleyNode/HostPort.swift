import NIOConcurrencyHelpers

/// Addresses as people write them: `HOST:PORT`, an IPv6 host in brackets.
package enum HostPort {
    /// - Returns: `nil` unless both parts are there and the port is a number up to 65,535.
    package static func split(_ text: String) -> (host: String, port: Int)? {
        guard let colon = text.lastIndex(of: ":"),
            let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, text[..<colon].hasPrefix("[") || !host.contains(":") else {
            return nil
        }
        return (String(host), port)
    }
}

/// Where a node listens, known once it does.
final class Listening: Sendable {
    private let address = NIOLockedValueBox<String?>(nil)

    init() {}

    var bound: String? { address.withLockedValue { $0 } }

    /// The bound address unless it means "every interface", which helps nobody elsewhere.
    var reachable: String? {
        guard let bound, let (host, _) = HostPort.split(bound) else { return nil }
        return host == "0.0.0.0" || host == "::" ? nil : bound
    }

    func set(_ address: String) {
        self.address.withLockedValue { $0 = address }
    }
}
