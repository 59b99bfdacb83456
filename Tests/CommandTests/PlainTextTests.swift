import FoundationEssentials
import Glibc
import ParleyTestSupport
import Testing
import parley

/// Where what people wrote may be read, and where it may not: searched for markers that they typed.
@Suite(.timeLimit(.minutes(5)))
struct PlainTextTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
    }

    /// Two hundred markers, in every kind of place where somebody can write something.
    private let markers = (0..<200).map { "Quexal\($0)vintor" }

    /// Records with markers, edited and disputed on two nodes.
    ///
    /// - Returns: their IDs, on both nodes.
    private func fill(_ amal: TestNode, _ basil: TestNode) throws -> [String] {
        let person = try amal.answer(
            "new", "person", "name=\(markers[0])", "note=\(markers[1])", "tags+=\(markers[2])",
            "--because", markers[3], as: Written.self
        ).record
        let source = try amal.answer(
            "new", "source", "name=\(markers[4])", "note=\(markers[5])", as: Written.self
        ).record
        try amal.sync(with: basil)
        basil.stop()
        amal.parley("edit", person, "note=\(markers[6])")
        amal.stop()
        basil.parley("edit", person, "note=\(markers[7])", "--because", markers[8])
        try amal.start()
        try basil.start()
        try amal.sync(with: basil)
        amal.parley("conflict", "show", person, "note", exits: 4)
        amal.parley("find", markers[0], exits: 0)
        amal.parley("delete", source, "--yes", "--because", markers[9])
        let others = try imported(to: amal)
        try amal.sync(with: basil)
        return [person, source] + others
    }

    /// All other markers, a few to a record, in whatever fields its type has for texts.
    private func imported(to amal: TestNode) throws -> [String] {
        let fields = ["name", "note", "tags", "occupation"]
        let lines = stride(from: 10, to: markers.count, by: fields.count).map { start in
            let pairs = zip(fields, markers[start...]).map { field, marker in
                field == "tags" ? #""tags":["\#(marker)"]"# : #""\#(field)":"\#(marker)""#
            }
            return #"{"type":"person","fields":{\#(pairs.joined(separator: ","))}}"#
        }
        let file = "\(workplace.path)/markers.jsonl"
        try (lines.joined(separator: "\n") + "\n").write(
            toFile: file, atomically: false, encoding: .utf8)
        amal.parley("import", file)
        try FileManager.default.removeItem(atPath: file)
        return try amal.answer("list", "person", "--limit", "0", as: [Listed].self).map(\.record)
    }

    private func markersIn(_ bytes: Data) -> [String] {
        markers.filter { bytes.firstRange(of: Data($0.utf8)) != nil }
    }

    private func markersInFiles(under folder: String) throws -> [String] {
        var found: [String] = []
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            let path = "\(folder)/\(name)"
            guard let bytes = try? Data(contentsOf: URL(filePath: path)) else { continue }
            found += markersIn(bytes).map { "\($0) in \(name)" }
        }
        return found
    }

    /// Everything that passes while two nodes meet and exchange, and everything their programs say.
    @Test func nothingIsReadableOnTheWireOrInWhatProgramsSay() throws {
        let amal = TestNode.founder("amal", in: workplace)
        try amal.start()
        let basil = try TestNode.guest("basil", of: amal, in: workplace)
        guard let capture = Capture(into: "\(workplace.path)/capture") else {
            print("SKIP nothingIsReadableOnTheWireOrInWhatProgramsSay: tcpdump needs root")
            return
        }
        let records = try fill(amal, basil)
        var said = [amal, basil].compactMap(\.daemon).map { $0.commandLine + $0.environment }
            .joined()
        #expect(said.contains("="), "the environment was read")
        // What goes wrong is said without what it went wrong with.
        for arguments in [
            ["edit", records[0], "nofield=\(markers[0])"],
            ["new", "person", "birth_date=\(markers[1])"],
            ["new", "nothing", "name=\(markers[2])"], ["show", "\(markers[3])"],
            ["conflict", "resolve", records[0], "name", "--value", markers[4]],
        ] {
            let result = amal.run(arguments)
            #expect(result.exitCode != 0)
            said += result.errors
        }
        for node in [amal, basil] { said += node.stopped() }
        #expect(markersIn(Data(said.utf8)) == [])
        let traffic = try capture.finish()
        #expect(traffic.count > 5_000, "handshakes alone are less")
        #expect(markersIn(traffic) == [])
        #expect(traffic.firstRange(of: Data("amal".utf8)) == nil, "nor who they are")
    }

    /// After an erasure no file of any node that heard of it holds a byte of what was said.
    @Test func nothingOfWhatWasErasedIsInAnyFile() throws {
        let amal = TestNode.founder("amal", in: workplace)
        try amal.start()
        let basil = try TestNode.guest("basil", of: amal, in: workplace)
        let records = try fill(amal, basil)
        #expect(try !markersInFiles(under: workplace.path).isEmpty, "there before")
        for record in Set(records) {
            amal.parley("erase", record, "--basis", "asked by the family", "--yes")
        }
        // More than twenty wait for somebody at each machine.
        amal.parley("erase", "confirm", "--yes")
        try amal.sync(with: basil)
        basil.parley("erase", "confirm", "--yes")
        try amal.sync(with: basil)
        basil.stop()
        try basil.start()
        var outstanding: [String] = ["basil"]
        while !outstanding.isEmpty {
            try amal.sync(with: basil)
            outstanding = try amal.answer("erase", "status", as: [Erased].self)
                .flatMap(\.outstanding)
        }
        #expect(try markersInFiles(under: workplace.path) == [])
        for node in [amal, basil] {
            // What lies deflated in a file is read here as the programs read it.
            let log = node.run(["log", "--limit", "0", "--json"]).output
            #expect(log.contains("erased") && markersIn(Data(log.utf8)) == [])
            #expect(try node.answer("show", records[0], as: Shown.self).state == "erased")
        }
        for node in [amal, basil] { node.stop() }
        #expect(try markersInFiles(under: workplace.path) == [])
    }
}

private struct Erased: Decodable {
    let outstanding: [String]
}

/// Everything that passes on the loopback interface, until it is finished.
private struct Capture {
    private let process: ChildProcess
    private let path: String

    /// - Returns: `nil` where that isn't allowed here.
    init?(into path: String) {
        guard geteuid() == 0, access("/usr/bin/tcpdump", X_OK) == 0 else { return nil }
        self.path = path
        let (reading, writing) = ChildProcess.pipe()
        // Says when it listens on its standard errors.
        process = ChildProcess(
            "/bin/sh",
            [
                "-c", "exec /usr/bin/tcpdump -i lo -U --immediate-mode -s 0 -w \(path) tcp 2>&1",
            ],
            pipe: writing, variables: ["PATH": "/usr/sbin:/usr/bin:/bin"], folder: "/tmp")
        let line = TestNode.line(from: reading)
        close(reading)
        guard line.contains("listening on") else {
            process.send(SIGKILL)
            _ = process.wait()
            return nil
        }
    }

    /// Packets are written as they come, and other signals may be blocked where tests run.
    func finish() throws -> Data {
        process.send(SIGKILL)
        _ = process.wait()
        return try Data(contentsOf: URL(filePath: path))
    }
}
