import ParleyNode
import ParleyVault

/// A sealed file opens as what was sealed, or not at all; its header and what it says of itself are
/// read or refused.
///
/// Making a key is meant to be dear, so one is made for all runs, at the least cost there is: the
/// header's mark is then checked once, and what inputs are about is the header's form, the chunks,
/// and the manifest behind them.
package struct BackupTarget: FuzzTarget {
    package static let name = "backup"

    package init() {}

    package func run(_ input: [UInt8]) throws {
        var source = ByteSource(input)
        switch source.below(3) {
        case 0: try checkHeader(source.rest())
        case 1: try checkChunks(&source)
        default: try checkManifest(&source)
        }
    }

    // MARK: Header

    private func checkHeader(_ bytes: [UInt8]) throws {
        for kind in [SealedHeader.Kind.backup, .key] {
            let count = try? SealedHeader.byteCount(of: bytes, kind: kind)
            let header = try? SealedHeader(bytes, kind: kind)
            try expect(header == nil || count != nil, "a header that is read has a length")
            guard let count, let header else { continue }
            try expect(count <= bytes.count, "a header is there whole")
            try expect(header.kind == kind, "a header is of the kind that was asked for")
            try expect(
                header.label.count == count - SealedHeader.fixedByteCount - 32,
                "a header has its label and its mark")
        }
    }

    // MARK: Chunks

    private static let chunkBytes = SealedReader.chunkByteCount - 16

    private static let template: (writer: SealedWriter, reader: SealedReader) = {
        let passphrase = Passphrase(utf8: Array("correct horse".utf8))!
        let cost = ScryptCost(logRounds: 10, blockSize: 1, parallelism: 1)!
        do {
            let writer = try SealedWriter(.backup, passphrase: passphrase, cost: cost)
            let reader = try SealedReader(
                .backup, header: writer.header, passphrase: passphrase)
            return (writer, reader)
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    private func checkChunks(_ source: inout ByteSource) throws {
        // A second chunk takes long, so it is seldom drawn.
        let chunkCount = source.below(32) == 31 ? 1 : 0
        let edits = (0..<source.below(4)).map { _ in Edit(from: &source) }
        let plain =
            [UInt8](repeating: 5, count: chunkCount * BackupTarget.chunkBytes) + [source.u8()]
            + source.rest()
        var writer = BackupTarget.template.writer
        let sealed = writer.append(plain) + writer.finish()
        var altered = sealed
        for edit in edits { edit.apply(to: &altered) }

        var opened: [UInt8] = []
        let isWhole = open(altered, into: &opened)
        try expect(plain.starts(with: opened), "what is opened is what was sealed there")
        try expect(isWhole == (altered == sealed), "an altered file doesn't open")
        try expect(!isWhole || opened == plain, "a file opens as what was sealed")
    }

    private func open(_ sealed: [UInt8], into plain: inout [UInt8]) -> Bool {
        var reader = BackupTarget.template.reader
        var rest = sealed[...]
        guard !rest.isEmpty else { return false }
        while !rest.isEmpty {
            let chunk = Array(rest.prefix(SealedReader.chunkByteCount))
            rest = rest.dropFirst(chunk.count)
            guard let bytes = try? reader.open(chunk, isLast: rest.isEmpty) else { return false }
            plain += bytes
        }
        return true
    }

    private enum Edit {
        case flip(at: Int, by: UInt8)
        case cut(at: Int)
        case append([UInt8])
        case swapChunks
        case repeatChunk

        init(from source: inout ByteSource) {
            switch source.below(5) {
            case 0: self = .flip(at: Int(source.u16()), by: source.u8())
            case 1: self = .cut(at: Int(source.u16()) * (source.flag() ? 3 : 1))
            case 2: self = .append(source.take(source.below(40)))
            case 3: self = .swapChunks
            default: self = .repeatChunk
            }
        }

        func apply(to bytes: inout [UInt8]) {
            let chunk = SealedReader.chunkByteCount
            switch self {
            case .flip(let position, let bits):
                if !bytes.isEmpty { bytes[position % bytes.count] ^= bits }
            case .cut(let position): bytes.removeLast(bytes.count - min(position, bytes.count))
            case .append(let more): bytes += more
            case .swapChunks:
                guard bytes.count > chunk else { return }
                bytes = Array(bytes[chunk...]) + bytes[..<chunk]
            case .repeatChunk: bytes = bytes.prefix(chunk) + bytes
            }
        }
    }

    // MARK: Manifest

    private func checkManifest(_ source: inout ByteSource) throws {
        let fileBytes = Int(source.u16())
        guard let manifest = BackupManifest(json: source.rest(), fileBytes: fileBytes) else {
            return
        }
        try expect(
            manifest.casebooks.isEmpty || fileBytes > 0, "no casebook is larger than its backup")
    }
}
