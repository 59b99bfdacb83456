/// Why a sealed file can't be opened. Nothing of it may be used then.
package enum SealError: Error, Equatable, Sendable {
    /// The file is something else.
    case foreign
    /// Another version of Parley wrote it.
    case version(UInt8)
    /// Its key would cost more than any that Parley makes, or more than this machine has.
    case cost
    /// The passphrase is another, or the beginning of the file was altered.
    case passphrase
    /// The file ends before its end.
    case cut
    /// A byte is another than the one that was written, or there are more of them, or in another
    /// order.
    case altered
}
