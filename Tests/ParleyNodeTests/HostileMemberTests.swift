import Glibc
import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyTransport
import ParleyWire
import Testing

/// A member's key in the hands of a program that breaks the rules, and ports where something else
/// answers: the connection ends, the reason is counted and shown, nothing is stored, the node goes
/// on.
@Suite(.timeLimit(.minutes(2)))
struct HostileMemberTests {
    private let homes: Homes

    init() throws {
        homes = try Homes()
    }

    /// What a hostile member sends after its hello.
    enum Deed: String, CaseIterable {
        case garbage, largeFrame, corruptBatch, forgedBatch, strangersLog, secondHello, cutFrame

        /// Under which reason the other side counts it; `nil` where it is no fault.
        var reason: String? {
            switch self {
            case .garbage, .corruptBatch: "corrupt"
            case .largeFrame: "tooLarge"
            case .forgedBatch: "badSignature"
            case .strangersLog, .secondHello: "protocolViolation"
            case .cutFrame: nil
            }
        }

        func frames(casebook: Digest, own: Identity, hello: Message) throws -> [UInt8] {
            switch self {
            case .garbage: return Frame(tag: 0x04, payload: [0xff, 0xff]).encoded
            case .largeFrame: return [0x00, 0x08, 0x00, 0x01, 0x04]
            case .secondHello: return Frame.encode(hello)
            case .cutFrame: return [0x00, 0x00, 0x01, 0x00, 0x04, 0x00]
            case .corruptBatch, .forgedBatch, .strangersLog:
                return Frame.encode(.batch(casebook: 0, bytes: try batch(casebook, own)))
            }
        }

        /// The beginning of a log, wrong in one way.
        private func batch(_ casebook: Digest, _ own: Identity) throws -> [UInt8] {
            let identity = self == .strangersLog ? Identity.generate() : own
            let author = LogAuthor(identity: identity, epoch: 77)
            let change = Change(
                origin: author.origin, sequence: 1, time: HybridTime(milliseconds: 1),
                contextDelta: [],
                groups: [
                    .creation(
                        type: FieldName("note")!,
                        [
                            Operation(
                                .write, field: FieldName("title")!,
                                values: [.text(Array("a forged note".utf8))])
                        ])
                ])
            var bytes = try author.run(
                of: [change], casebook: casebook, previous: .zero,
                seed: [UInt8](repeating: 1, count: 16)
            ).bytes
            let header = try Batch.header(of: bytes)
            if self == .corruptBatch { bytes.removeLast(9) }
            if self == .forgedBatch { bytes[header.bodyOffset - 20] ^= 1 }
            return bytes
        }
    }

    @Test(arguments: Deed.allCases)
    func aMemberThatBreaksTheRulesIsCutOff(deed: Deed) async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        _ = try await amal.admit(basil)
        _ = try await basil.ask(.sync(peer: "amal", waitSeconds: 600))
        await basil.stop()
        let digest = try await amal.digest
        let log = try await amal.json(.log(record: nil, limit: 0)).items.count
        let casebook = try await amal.json(.showCasebook)["casebook"]?.content ?? ""
        let id = try #require(Hexadecimal.bytes(of: casebook).flatMap { Digest(bytes: $0) })
        let identity = try homes["basil"].identity()
        let hello = Message.hello(
            Hello(run: 9, casebooks: [Hello.Casebook(id: id, clockDigest: HashPrefix(5))]))
        let frames = try deed.frames(casebook: id, own: identity, hello: hello)
        let before = try await counts(of: basil, at: amal)
        try await Member.say(
            Frame.encode(hello) + frames, as: identity, to: amal, hangsUp: deed == .cutFrame)

        let after = try await counts(of: basil, at: amal)
        #expect(after == before.merging(deed.reason.map { [$0: "1"] } ?? [:]) { $1 }, "\(deed)")
        #expect(try await amal.digest == digest)
        #expect(try await amal.json(.log(record: nil, limit: 0)).items.count == log)
        await amal.stop()
        // The member itself, under its own program, is as welcome as before.
        let again = try await RunningNode.start(homes["amal"])
        let back = try await RunningNode.start(homes["basil"])
        _ = try await back.ask(.addPeer(node: again.nodeID, address: again.address))
        #expect(try await back.ask(.sync(peer: "amal", waitSeconds: 600)).exitCode == 0)
        await again.stop()
        await back.stop()
    }

    /// Failed connections with a peer by reason.
    private func counts(
        of peer: RunningNode, at node: RunningNode
    ) async throws -> [String: String] {
        let peers = try await node.json(.status)["peers"]?.items ?? []
        let found = try #require(peers.first { $0["node"]?.content == peer.nodeID })
        guard case .object(let counts)? = found["refused"] else { return [:] }
        return Dictionary(uniqueKeysWithValues: counts.map { ($0.0, $0.1.number ?? "") })
    }

    @Test func whatIsNoTLSIsCountedAndForgotten() async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        try Member.shout("GET / HTTP/1.1\r\n\r\n", at: amal.address)
        #expect(try await amal.refusals("notTLS") == "1")
        await amal.stop()
    }

    /// Where another node answers at a peer's address, the dialler says so.
    @Test func anotherKeyAtAPeersAddressIsRefused() async throws {
        let (clock, log) = (ManualClock(), NotedLog())
        let amal = try await RunningNode.start(
            homes["amal"], name: "amal", environment: NodeEnvironment(clock: clock.nodeClock),
            log: log)
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        let mallory = try await RunningNode.start(homes["mallory"], name: "mallory")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        _ = try await amal.admit(basil)
        await basil.stop()
        _ = try await amal.ask(.addPeer(node: basil.nodeID, address: mallory.address))
        await log.line(containing: "reason=wrongCertificate")
        let answer = try await amal.ask(.sync(peer: "basil", waitSeconds: 0))
        #expect(answer.exitCode == 5)
        #expect(answer.error?.contains("another node answers") == true)
        let peer = try await amal.json(.status)["peers"]?.items.first
        #expect(peer?["refused"]?["wrongCertificate"] != nil)
        let taken = try await amal.json(.listPeers).items.first?["taken"]?.items ?? []
        #expect(taken.map(\.content) == [mallory.address])

        // That isn't the peer's doing: it is dialled again as one that can't be reached.
        for await pause in clock.sleeps where pause != TidySchedule.pause {
            #expect(pause <= Reconnector.lastCeiling)
            clock.advance(by: pause)
            if log.lines.count(where: { $0.contains("reason=wrongCertificate") }) > 3 { break }
        }
        await amal.stop()
        await mallory.stop()
    }
}

/// A program that holds somebody's key.
private final class Member: ConnectionHandler {
    private let connection: Connection
    private let bytes: [UInt8]
    private let hangsUp: Bool
    private let done: CheckedContinuation<Void, Never>

    private init(
        _ connection: Connection, _ bytes: [UInt8], hangsUp: Bool,
        _ done: CheckedContinuation<Void, Never>
    ) {
        self.connection = connection
        self.bytes = bytes
        self.hangsUp = hangsUp
        self.done = done
    }

    func connected() {
        connection.send(bytes)
        if hangsUp { connection.close(.finished) }
    }

    func received(tag: UInt8, payload: [UInt8]) {}
    func writabilityChanged(_ isWritable: Bool) {}
    func closed(_ reason: CloseReason) { done.resume() }

    /// Connects, says it, and waits until the connection has ended.
    static func say(
        _ bytes: [UInt8], as identity: Identity, to node: RunningNode, hangsUp: Bool
    ) async throws {
        let endpoint = Endpoint(
            certificate: try NodeCertificate(privateKey: identity.privateKey),
            refusals: RefusalCounters(), isMember: { _ in true })
        let (host, port) = try #require(HostPort.split(node.address))
        let peer = try #require(NodeID(text: node.nodeID))
        await withCheckedContinuation { done in
            Task {
                _ = try await Dialer(endpoint).dial(host: host, port: port, expecting: peer) {
                    Member($0, bytes, hangsUp: hangsUp, done)
                }
            }
        }
    }

    /// Writes to a port without any TLS and reads until the other side hangs up.
    static func shout(_ text: String, at address: String) throws {
        let (_, port) = try #require(HostPort.split(address))
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = in_port_t(port).bigEndian
        target.sin_addr.s_addr = inet_addr("127.0.0.1")
        let isConnected = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        try #require(isConnected)
        _ = text.withCString { send(descriptor, $0, text.utf8.count, Int32(MSG_NOSIGNAL)) }
        var buffer = [UInt8](repeating: 0, count: 256)
        while recv(descriptor, &buffer, buffer.count, 0) > 0 {}
    }
}
