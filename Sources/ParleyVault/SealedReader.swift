/// Opens a sealed file, one chunk after the other.
///
/// What a chunk held is vouched for as soon as it is returned, that nothing is missing only once
/// the last one is.
package struct SealedReader: Sendable {
    /// Of every chunk in the file but the last, which has at least 17.
    package static let chunkByteCount = SealedWriter.chunkByteCount + SealedWriter.tagByteCount

    private let keys: SealKeys
    private var number: UInt64 = 0

    /// - Parameter header: all of it, as `SealedHeader.byteCount` counts it.
    /// - Throws: `foreign`, `version`, `cost`, `cut`, `passphrase`.
    package init(
        _ kind: SealedHeader.Kind, header bytes: [UInt8], passphrase: Passphrase
    ) throws(SealError) {
        let header = try SealedHeader(bytes, kind: kind)
        keys = try SealKeys(header, passphrase)
        guard keys.vouches(for: Array(bytes[header.bytes.count...])) else { throw .passphrase }
    }

    /// - Parameter isLast: whether the file ends with it.
    /// - Throws: `cut`, `altered`.
    package mutating func open(
        _ chunk: [UInt8], isLast: Bool
    ) throws(SealError) -> [UInt8] {
        guard chunk.count > SealedWriter.tagByteCount else { throw .cut }
        guard let plain = keys.open(chunk, number: number, isLast: isLast) else {
            let goesOn = isLast && keys.open(chunk, number: number, isLast: false) != nil
            throw goesOn ? .cut : .altered
        }
        number += 1
        return plain
    }
}

extension SealedReader {
    /// Opens a sealed file that is small enough to be held.
    ///
    /// - Throws: as `init` and `open`.
    package static func open(
        _ kind: SealedHeader.Kind, _ bytes: [UInt8], passphrase: Passphrase
    ) throws(SealError) -> [UInt8] {
        let count = try SealedHeader.byteCount(of: bytes, kind: kind)
        guard bytes.count > count else { throw .cut }
        var reader = try SealedReader(
            kind, header: Array(bytes[..<count]), passphrase: passphrase)
        var plain: [UInt8] = []
        var rest = bytes[count...]
        while !rest.isEmpty {
            let chunk = Array(rest.prefix(chunkByteCount))
            rest = rest.dropFirst(chunk.count)
            plain += try reader.open(chunk, isLast: rest.isEmpty)
        }
        return plain
    }
}
