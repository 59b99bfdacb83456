import GRDBSQLite
import NIOConcurrencyHelpers
import NIOCore
import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyTransport
import ParleyWire
import Testing

/// What a node does when the other side is not what it should be.
@Suite(.timeLimit(.minutes(2)))
struct HostilePeerTests {
    private let homes: Homes

    init() throws {
        homes = try Homes()
    }

    private func report(_ title: String) -> Request {
        .new(
            type: "report", assignments: [.init(field: "title", operator: .set, value: title)],
            because: nil)
    }

    /// A stranger with a perfectly good key says hello: it hears "not admitted" and nothing else.
    @Test func aNodeWithoutMembershipGetsNothing() async throws {
        let amal = try await RunningNode.start(homes["amal"])
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        _ = try await amal.ask(report("hidden"))
        let before = try await amal.digest
        let casebook = try await amal.json(.showCasebook)["casebook"]?.content ?? ""
        let hello = Message.hello(
            Hello(
                run: 1,
                casebooks: [
                    Hello.Casebook(
                        id: try #require(Digest(hexadecimal: casebook)),
                        clockDigest: HashPrefix(0))
                ]))
        let heard = try await Stranger.say(hello, to: amal)
        #expect(heard.tags == [Message.Tag.close.rawValue])
        #expect(try await amal.refusals("unknownPeer") == "1")
        #expect(try await amal.digest == before)
        await amal.stop()
    }

    @Test func aJoinWithAWrongSecretGetsNothing() async throws {
        let amal = try await RunningNode.start(homes["amal"])
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        let casebook = try await amal.json(.showCasebook)["casebook"]?.content ?? ""
        let join = Message.join(
            Join(
                casebook: try #require(Digest(hexadecimal: casebook)),
                secret: [UInt8](repeating: 7, count: 16), name: "mallory"))
        let heard = try await Stranger.say(join, to: amal)
        #expect(heard.tags == [Message.Tag.close.rawValue])
        #expect(try await amal.json(.showCasebook)["members"]?.items.count == 1)
        await amal.stop()
    }

    /// Basil's stored copy of Amal's log has one byte altered. Chadia, who gets it from Basil,
    /// refuses it, says so, keeps what she has, and later gets the truth from Amal herself.
    @Test func aRelayThatAltersOneByteIsRefused() async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        let chadia = try await RunningNode.start(homes["chadia"], name: "chadia")
        _ = try await amal.admit(basil)
        _ = try await amal.admit(chadia)
        await chadia.stop()
        _ = try await amal.ask(report("as it was written"))
        _ = try await basil.ask(.sync(peer: "amal", waitSeconds: 600))
        let address = amal.address
        await amal.stop()
        await basil.stop()
        try alterNewestBatch(of: homes["basil"])

        let relay = try await RunningNode.start(homes["basil"])
        let victim = try await RunningNode.start(homes["chadia"])
        let before = try await victim.digest
        _ = try await victim.ask(.addPeer(node: relay.nodeID, address: relay.address))
        _ = try await victim.ask(.sync(peer: "basil", waitSeconds: 600))
        let refused = try await victim.json(.status)["refused"]
        let counts = ["badSignature", "corrupt"].compactMap { refused?[$0]?.number }
        #expect(!counts.isEmpty)
        #expect(try await victim.digest == before)
        await relay.stop()

        let truth = try await RunningNode.start(homes["amal"], listen: address)
        _ = try await victim.ask(.sync(peer: "amal", waitSeconds: 600))
        #expect(try await victim.digest == truth.digest)
        await victim.stop()
        await truth.stop()
    }

    /// Flips one bit in the newest batch the home holds of anybody's log.
    private func alterNewestBatch(of home: Home) throws {
        let path = try #require(home.casebookPaths().first)
        var database: OpaquePointer?
        try #require(sqlite3_open(path, &database) == SQLITE_OK)
        defer { sqlite3_close(database) }
        let newest =
            "SELECT max(rowid) FROM batch WHERE lane = (SELECT lane FROM batch WHERE rowid = 1)"
        var select: OpaquePointer?
        sqlite3_prepare_v2(
            database, "SELECT rowid, bytes FROM batch WHERE rowid = (\(newest))", -1, &select, nil)
        defer { sqlite3_finalize(select) }
        try #require(sqlite3_step(select) == SQLITE_ROW)
        let row = sqlite3_column_int64(select, 0)
        var bytes = Array(
            UnsafeRawBufferPointer(
                start: sqlite3_column_blob(select, 1), count: Int(sqlite3_column_bytes(select, 1))))
        bytes[bytes.count - 3] ^= 1
        sqlite3_reset(select)
        var update: OpaquePointer?
        sqlite3_prepare_v2(
            database, "UPDATE batch SET bytes = ?1 WHERE rowid = \(row)", -1, &update, nil)
        defer { sqlite3_finalize(update) }
        let isAltered = bytes.withUnsafeBytes { buffer in
            sqlite3_bind_blob(update, 1, buffer.baseAddress, Int32(buffer.count), nil)
            return sqlite3_step(update) == SQLITE_DONE
        }
        try #require(isAltered)
    }
}

/// Somebody with a key of their own whom no log knows.
final class Stranger: ConnectionHandler {
    struct Heard: Sendable {
        var tags: [UInt8] = []
        var reason: CloseReason?
    }

    private let connection: Connection
    private let messages: [Message]
    private let done: CheckedContinuation<Heard, Never>
    private var heard = Heard()

    private init(
        _ connection: Connection, _ messages: [Message], _ done: CheckedContinuation<Heard, Never>
    ) {
        self.connection = connection
        self.messages = messages
        self.done = done
    }

    func connected() {
        for message in messages { connection.send(Frame.encode(message)) }
    }

    func received(tag: UInt8, payload: [UInt8]) { heard.tags.append(tag) }
    func writabilityChanged(_ isWritable: Bool) {}

    func closed(_ reason: CloseReason) {
        heard.reason = reason
        done.resume(returning: heard)
    }

    /// Connects with a fresh key, says this, and listens until the other side hangs up.
    static func say(
        _ messages: Message..., to node: RunningNode, as identity: Identity = .generate()
    ) async throws -> Heard {
        try await say(messages, to: node, as: identity)
    }

    static func say(
        _ messages: [Message], to node: RunningNode, as identity: Identity
    ) async throws -> Heard {
        let endpoint = Endpoint(
            certificate: try NodeCertificate(privateKey: identity.privateKey),
            refusals: RefusalCounters(), isMember: { _ in false })
        let (host, port) = try #require(HostPort.split(node.address))
        let peer = try #require(NodeID(text: node.nodeID))
        let line = Line()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { done in
                Task {
                    line.take(
                        try await Dialer(endpoint).dial(host: host, port: port, expecting: peer) {
                            Stranger($0, messages, done)
                        })
                }
            }
        } onCancel: {
            line.hangUp()
        }
    }

    /// A connection that a test's time limit ends.
    private final class Line: Sendable {
        private let state = NIOLockedValueBox<(connection: Connection?, isOver: Bool)>((nil, false))

        func take(_ connection: Connection) {
            let isOver = state.withLockedValue { state in
                state.connection = connection
                return state.isOver
            }
            if isOver { connection.hangUp() }
        }

        func hangUp() {
            let connection = state.withLockedValue { state in
                state.isOver = true
                return state.connection
            }
            connection?.hangUp()
        }
    }
}

extension Connection {
    /// From any thread.
    fileprivate func hangUp() {
        eventLoop.execute { self.close(.finished) }
    }
}

extension Digest {
    init?(hexadecimal text: String) {
        guard let bytes = Hexadecimal.bytes(of: text) else { return nil }
        self.init(bytes: bytes)
    }
}
