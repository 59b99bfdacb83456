import FoundationEssentials

/// What lies in a backup, in the order in which it lies there: the node's key, then each casebook.
///
/// - Specification: Protocol/backup-1.md §4
package struct BackupManifest: Codable, Sendable {
    /// A casebook as it was at the moment of the backup.
    package struct Casebook: Codable, Sendable {
        package let casebook: String
        package let name: String
        package let records: Int
        /// When the newest change was made; `nil` where there is none yet.
        package let newest: String?
        /// Of its database file.
        let bytes: Int
    }

    /// Beyond this no manifest is read.
    static let byteLimit = 1 << 20
    /// Beyond this no key file is read.
    static let keyByteLimit = 4_096

    /// RFC 3339 in UTC.
    package let made: String
    let node: String
    let name: String
    /// Of the key file.
    let keyBytes: Int
    package let casebooks: [Casebook]
}

extension BackupManifest {
    /// Reads a manifest and holds it against the file in which it lies.
    ///
    /// - Returns: `nil` for what no backup of so many bytes says of itself.
    package init?(json: [UInt8], fileBytes: Int) {
        guard json.count <= BackupManifest.byteLimit,
            let manifest = try? JSONDecoder().decode(BackupManifest.self, from: Data(json)),
            (1...BackupManifest.keyByteLimit).contains(manifest.keyBytes),
            manifest.casebooks.allSatisfy({ 1 <= $0.bytes && $0.bytes <= fileBytes })
        else { return nil }
        self = manifest
    }
}

/// Copies of the casebooks, for as long as whoever asked for them stays connected.
package struct CopiedCasebooks: Codable, Sendable {
    package struct Copy: Codable, Sendable {
        /// Below the home.
        let path: String
        let casebook: String
        let name: String
        let records: Int
        let newest: String?
    }

    package let copies: [Copy]
}
