package import ParleyCRDT

import struct Crypto.SHA256

/// SHA-256 over plain bytes, without the detour through `Data`.
package enum Hashing {
    /// - Complexity: O(bytes); two parts are hashed as if joined.
    package static func digest(_ first: [UInt8], _ second: [UInt8] = []) -> Digest {
        var function = SHA256()
        first.withUnsafeBytes { function.update(bufferPointer: $0) }
        if !second.isEmpty { second.withUnsafeBytes { function.update(bufferPointer: $0) } }
        return function.finalize().withUnsafeBytes { bytes in
            Digest(
                Bytes32(
                    first: word(bytes, 0), second: word(bytes, 8), third: word(bytes, 16),
                    fourth: word(bytes, 24)))
        }
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
