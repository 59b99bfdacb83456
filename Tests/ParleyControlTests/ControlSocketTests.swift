import Foundation
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import ParleyControl
import Testing

/// A real socket between a blocking client and a server.
@Suite(.timeLimit(.minutes(1)))
struct ControlSocketTests {
    let home: TestHome

    init() throws {
        home = try TestHome()
    }

    @Test
    func requestsAreAnsweredInTurn() async throws {
        let answers = try await home.serve(echo) { path in
            let client = try ControlClient.connect(path: path)
            return try (0..<100).map {
                try client.request(Envelope(casebook: "\($0)", request: .status)).json
            }
        }
        #expect(answers == (0..<100).map { "\($0)" })
    }

    @Test
    func everyRequestSurvivesTheJourney() async throws {
        let envelope = Envelope(
            casebook: "Nahr al-Kabīr نهر",
            request: .resolveConflict(
                record: "ab", field: "date", choice: .take(change: "c"), seen: ["x", "y"],
                because: "two \"quotes\"\n"))
        let received = NIOLockedValueBox<Envelope?>(nil)
        _ = try await home.serve(
            { envelope, reply in
                received.withLockedValue { $0 = envelope }
                try? await reply.send(Response())
            },
            while: { try ControlClient.connect(path: $0).request(envelope) })
        #expect(received.withLockedValue { $0 } == envelope)
    }

    /// A long list takes no thread that an edit waits for.
    @Test
    func whatTakesLongKeepsNobodyWaiting() async throws {
        let (begun, isShown) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let handler: ControlServer.Handler = { envelope, reply in
            if case .find = envelope.request {
                begun.signal()
                block(until: isShown)
            }
            try? await reply.send(Response(json: envelope.casebook))
        }
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let answer = try await home.serve(handler, group: loop) { path in
            let answers = NIOLockedValueBox<String?>(nil)
            let end = DispatchGroup()
            let search = try ControlClient.connect(path: path)
            end.enter()
            nonisolated(unsafe) let asking = search
            Thread.detachNewThread {
                defer { end.leave() }
                let found = try? asking.request(
                    Envelope(casebook: "found", request: .find(words: "x", limit: 0)))
                answers.withLockedValue { $0 = found?.json }
            }
            begun.wait()
            let shown = try ControlClient.connect(path: path).request(
                Envelope(casebook: "shown", request: .show(record: "x", at: nil)))
            #expect(shown.json == "shown")
            isShown.signal()
            end.wait()
            return answers.withLockedValue { $0 }
        }
        #expect(answer == "found")
        try await loop.shutdownGracefully()
    }

    @Test
    func severalAnswersToOneRequestArriveInOrder() async throws {
        let counting: ControlServer.Handler = { _, reply in
            for number in 0..<50 {
                try? await reply.send(Response(json: "\(number)", continues: number < 49))
            }
        }
        let answers = try await home.serve(counting) { path in
            var answers: [String?] = []
            try ControlClient.connect(path: path).stream(
                Envelope(casebook: nil, request: .watch)
            ) {
                answers.append($0.json)
                return true
            }
            return answers
        }
        #expect(answers == (0..<50).map { "\($0)" })
    }

    /// `watch` has no end of its own: the command line leaving is what ends it.
    @Test
    func aCommandThatGoesAwayCancelsItsRequest() async throws {
        let (cancelled, note) = AsyncStream.makeStream(of: Void.self)
        let endless: ControlServer.Handler = { _, reply in
            try? await reply.send(Response(continues: true))
            let (never, _) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
            note.finish()
        }
        _ = try await home.serve(endless) { path in
            try ControlClient.connect(path: path).stream(
                Envelope(casebook: nil, request: .watch)
            ) { _ in false }
        }
        for await _ in cancelled {}
    }

    /// The daemon stops in the middle of a request: the command line learns that it is unknown
    /// whether it was done, and stopping doesn't wait for it.
    @Test
    func stoppingCancelsWhatIsUnderWay() async throws {
        let (entered, note) = AsyncStream.makeStream(of: Void.self)
        let server = try await ControlServer.bind(path: home.socket, holding: home.lock())
        let running = Task {
            try await server.run { _, _ in
                note.finish()
                let (never, _) = AsyncStream.makeStream(of: Void.self)
                for await _ in never {}
            }
        }
        let path = home.socket
        let asking = Task {
            try await NIOThreadPool.singleton.runIfActive {
                try ControlClient.connect(path: path).request(
                    Envelope(casebook: nil, request: .status))
            }
        }
        for await _ in entered {}
        running.cancel()
        try await running.value
        await #expect(throws: ControlError.connectionLost) { _ = try await asking.value }
    }

    @Test
    func aLargeAnswerArrivesWhole() async throws {
        let text = String(repeating: "0123456789", count: 1_000_000)
        let verbose: ControlServer.Handler = { _, reply in
            try? await reply.send(Response(json: text))
        }
        let answer = try await home.serve(verbose) { path in
            try ControlClient.connect(path: path)
                .request(Envelope(casebook: nil, request: .status)).json
        }
        #expect(answer == text)
    }

    /// Scalars of one to four bytes, and what JSON escapes, in pieces that end within any of them.
    @Test(arguments: 4...9)
    func anAnswerTravelsInPiecesOfAnySize(pieceBytes: Int) async throws {
        let text = String(repeating: #"["a\"é","سجن",{"👩‍👩‍👧":"\n王"}],"#, count: 20)
        let answering: ControlServer.Handler = { _, reply in
            try? await reply.send(Response(exitCode: 4, json: text))
        }
        let (pieces, last, whole) = try await home.serve(answering, pieceBytes: pieceBytes) {
            path in
            let client = try ControlClient.connect(path: path)
            let envelope = Envelope(casebook: nil, request: .status)
            var pieces: [String] = []
            let last = try client.request(envelope) { pieces.append($0) }
            return (pieces, last, try client.request(envelope))
        }
        #expect(pieces.joined() == text)
        #expect(pieces.allSatisfy { (1...pieceBytes).contains($0.utf8.count) })
        #expect(last.exitCode == 4)
        #expect(whole == Response(exitCode: 4, json: text))
    }

    /// Without a text, with an empty one, and with one that fits to the byte.
    @Test(arguments: [nil, "", "0123", "01234"])
    func whatFitsIsOneFrame(text: String?) async throws {
        let response = Response(exitCode: 1, json: text, error: text == nil ? "no" : nil)
        let answering: ControlServer.Handler = { _, reply in try? await reply.send(response) }
        let (count, whole) = try await home.serve(answering, pieceBytes: 4) { path in
            let client = try ControlClient.connect(path: path)
            let envelope = Envelope(casebook: nil, request: .status)
            var count = 0
            _ = try client.request(envelope) { _ in count += 1 }
            return (count, try client.request(envelope))
        }
        #expect(count == text.map { $0.utf8.count > 4 ? 2 : 1 } ?? 0)
        #expect(whole == response)
    }

    @Test
    func aRequestAboveTheLimitIsNotSent() async throws {
        let lines = [String(repeating: "x", count: 4 * 1024 * 1024)]
        await #expect(throws: ControlError.self) {
            try await home.serve(echo) { path in
                try ControlClient.connect(path: path).request(
                    Envelope(casebook: nil, request: .importLines(firstLine: 1, lines: lines)))
            }
        }
    }

    @Test
    func anAnnouncedLengthAboveTheLimitIsAnsweredWithAnError() async throws {
        let response = try await home.serve(echo) { path in
            let raw = try RawSocket(path: path)
            raw.send(length: 4 * 1024 * 1024 + 1, [1, 2, 3])
            return try raw.refusal()
        }
        #expect(response.exitCode == 1)
        #expect(response.error?.contains("4194305 bytes") == true)
    }

    @Test(arguments: ["", "{", "[]", "{\"request\":{\"unheardOf\":{}}}"])
    func malformedRequestsAreAnsweredWithAnError(json: String) async throws {
        let response = try await home.serve(echo) { path in
            let raw = try RawSocket(path: path)
            raw.send(length: UInt32(json.utf8.count), Array(json.utf8))
            return try raw.refusal()
        }
        #expect(response.exitCode == 1)
        #expect(response.error?.contains("different versions") == true)
    }

    /// After whatever one client did, the next is served.
    @Test
    func theServerOutlivesABadClient() async throws {
        let answer = try await home.serve(echo) { path in
            let raw = try RawSocket(path: path)
            raw.send(length: 3, [1])
            close(raw.descriptor)
            return try ControlClient.connect(path: path)
                .request(Envelope(casebook: "here", request: .status)).json
        }
        #expect(answer == "here")
    }
}

/// Keeps the thread that calls it.
private func block(until semaphore: DispatchSemaphore) { semaphore.wait() }
