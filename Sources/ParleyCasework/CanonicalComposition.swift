@_spi(_Unicode) import Swift

extension String {
    /// The bytes of this text in Unicode's canonical composition (NFC).
    ///
    /// The standard library keeps its normaliser behind an SPI name. Foundation's, the alternative,
    /// would bring ICU's 40 MB into every start of the command line. A test holds the result
    /// against examples of each kind.
    package var composedBytes: [UInt8] {
        var text = self
        let isASCII = text.withUTF8 { bytes in bytes.allSatisfy { $0 < 0x80 } }
        guard !isASCII else { return Array(text.utf8) }
        var scalars = String.UnicodeScalarView()
        scalars.append(contentsOf: text._nfc)
        return Array(String(scalars).utf8)
    }
}
