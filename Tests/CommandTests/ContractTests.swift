import FoundationEssentials
import Glibc
import ParleyTestSupport
import Testing
import parley

/// What `--json` prints is a promise: every key and the kind of its value, from the real programs.
///
/// The pages decode answers leniently, so that an older parley shows a newer node's; a renamed key
/// would only make them say less. This says it.
@Suite struct ContractTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
    }

    private static let written: Shape = ["record": .text, "change": .text]
    private static let member: Shape = ["node": .text, "name": .text, "role": .text]
    private static let casebook: Shape = [
        "casebook": .text, "name": .text, "role": .text, "members": [member],
    ]
    private static let side: Shape = [
        "value": .text, "by": .text, "node": .text, "at": .text, "change": .text,
        "seen": .map(of: .integer), "reason": .optional(.text), "why": .text,
        "reopened": .anything,
    ]
    private static let conflict: Shape = [
        "record": .text, "type": .text, "title": .text, "field": .text, "values": [side],
        "base": [.text],
    ]
    private static let shown: Shape = [
        "record": .text, "type": .text, "state": .text, "fields": .map(of: .anything),
        "conflicts": [conflict],
        "changed": ["by": .text, "node": .text, "at": .text, "change": .text],
    ]
    private static let step: Shape = [
        "record": .optional(.text), "field": .optional(.text), "op": .text, "value": .anything,
    ]
    private static let logged: Shape = [
        "change": .text, "by": .text, "node": .text, "at": .text, "because": .optional(.text),
        "operations": [step],
    ]
    private static let resolution: Shape = [
        "record": .text, "field": .text, "change": .text, "conflicts": .anything,
    ]
    private static let peer: Shape = [
        "node": .text, "name": .text, "role": .text, "addresses": [.text], "connected": .flag,
    ]
    private static let exchanged: Shape = [
        "peer": .text, "received": .integer, "sent": .integer, "conflicts": .integer,
        "bytesIn": .integer, "bytesOut": .integer, "complete": .flag, "plainIn": .integer,
        "plainOut": .integer, "uninterpreted": .integer, "missing": .anything,
    ]
    private static let status: Shape = [
        "node": .text, "name": .text, "daemon": .map(of: .anything),
        "casebooks": [
            [
                "casebook": .text, "name": .text, "role": .text, "records": .integer,
                "conflicts": .integer, "clock": .map(of: .integer), "digest": .text,
                "uninterpreted": .integer, "clocksAhead": .anything,
            ]
        ],
        "peers": [
            [
                "node": .text, "name": .text, "connected": .flag, "lastSync": .text,
                "refused": .anything,
            ]
        ],
        "refused": .anything, "unopened": .anything, "problems": .anything,
    ]

    private func expect(
        _ shape: Shape, of node: TestNode, _ arguments: String..., exits: Int32 = 0,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let result = node.run(arguments + ["--json"])
        #expect(result.exitCode == exits, "\(result.errors)", sourceLocation: location)
        try expect(shape, of: result.output, arguments.joined(separator: " "), at: location)
    }

    private func expect(
        _ shape: Shape, of json: String, _ command: String,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
        let mismatches = shape.mismatches(in: value)
        #expect(mismatches == [], "\(command)\n\(json)", sourceLocation: location)
    }

    @Test func recordsAndWhatHappenedToThem() throws {
        let node = workplace.node("amal")
        try expect(
            ["node": .text, "name": .text, "home": .text], of: node, "init", "--name", "amal")
        try expect(Self.casebook, of: node, "casebook", "create", "sweida")
        try expect([Self.casebook], of: node, "casebook", "list")
        try expect(Self.casebook, of: node, "casebook", "show")
        let type: Shape = [
            "type": .text, "summary": .text,
            "fields": [
                [
                    "field": .text, "kind": .text, "set": .flag, "sensitive": .flag,
                    "example": .text,
                ]
            ],
        ]
        try expect([type], of: node, "types")
        try expect([type], of: node, "types", "person")
        try expect(Self.written, of: node, "new", "exchange", "title=Sweida", "tags+=a")
        try expect(Self.written, of: node, "edit", "@last", "place=Adra", "--because", "why")
        try expect(
            ["record": .text, "change": .optional(.text)], of: node, "edit", "@last", "place=Adra")
        let listed: Shape = ["record": .text, "type": .text, "title": .text]
        try expect([listed], of: node, "list", "exchange")
        try expect(
            [["record": .text, "type": .text, "title": .text, "match": .text]], of: node, "find",
            "sweida")
        try expect([Self.logged], of: node, "log")
        try expect([Self.logged], of: node, "log", "@last")
        try expect(Self.written, of: node, "delete", "@last", "--yes")
        try expect(Self.written, of: node, "restore", "@last")
        let lines = "\(workplace.path)/lines.jsonl"
        try "{\"type\":\"note\",\"fields\":{\"title\":\"One\"}}\nnonsense\n"
            .write(toFile: lines, atomically: false, encoding: .utf8)
        let imported: Shape = [
            "created": .integer, "changed": .integer,
            "refused": [["line": .integer, "error": .text]],
        ]
        try expect(imported, of: node, "import", lines, "--dry-run", exits: 1)
        try expect(imported, of: node, "import", lines, exits: 1)
        let ready = try node.start()
        try expect(["listening": .text, "control": .text, "node": .text], of: ready, "parleyd")
    }

    @Test func aNodeInAFile() throws {
        let node = TestNode.founder("amal", in: workplace)
        let secret = try workplace.secret("correct horse battery", in: "passphrase.txt")
        let file = "\(workplace.path)/amal.backup"
        let casebook: Shape = [
            "casebook": .text, "name": .text, "records": .integer, "newest": .optional(.text),
            "bytes": .integer,
        ]
        try expect(
            ["file": .text, "made": .text, "casebooks": [casebook]], of: node, "backup", file,
            "--passphrase-file", secret)
        try expect(
            [
                "node": .text, "name": .text, "home": .text, "made": .text,
                "casebooks": [casebook], "movedAside": .optional(.text), "isKeyProtected": .flag,
            ], of: node, "restore", file, "--force", "--passphrase-file", secret)
        let key: Shape = ["node": .text, "protected": .flag]
        try expect(key, of: node, "key", "protect", "--passphrase-file", secret)
        try expect(key, of: node, "key", "unprotect", "--passphrase-file", secret)
    }

    @Test func whetherAllIsWell() throws {
        let node = TestNode.founder("amal", in: workplace)
        let checked: Shape = [
            [
                "check": .text, "casebook": .optional(.text), "ok": .flag, "detail": .text,
                "next": .optional(.text),
            ]
        ]
        try expect(checked, of: node, "verify")
        // Nobody else has this casebook.
        try expect(checked, of: node, "doctor", exits: 1)
    }

    @Test func peopleAndTheirConflicts() throws {
        let amal = TestNode.founder("amal", in: workplace)
        try amal.start()
        let invited: Shape = ["code": .text, "expires": .text]
        try expect(invited, of: amal, "invite")
        let ended: Shape = ["withdrawn": .integer]
        try expect(ended, of: amal, "uninvite")
        let basil = workplace.node("basil")
        basil.parley("init", "--name", "basil")
        try basil.start()
        let invitation: Invited = try amal.answer("invite")
        try expect(
            ["casebook": .text, "name": .text, "role": .text], of: basil, "join", invitation.code)
        let record = try amal.answer(
            "new", "exchange", "title=Sweida", "place=x", as: Written.self
        ).record
        try expect([Self.exchanged], of: amal, "sync")
        basil.stop()
        amal.parley("edit", record, "place=a")
        amal.stop()
        basil.parley("edit", record, "place=b")
        try amal.start()
        try basil.start()
        try expect([Self.exchanged], of: amal, "sync", "basil", exits: 4)
        try expect(Self.shown, of: amal, "show", record, exits: 4)
        try expect([Self.conflict], of: amal, "conflict", "list", exits: 4)
        try expect(Self.conflict, of: amal, "conflict", "show", record, "place", exits: 4)
        try expect(
            Self.resolution, of: amal, "conflict", "resolve", record, "place", "--value", "c")
        try expect(Self.resolution, of: amal, "conflict", "reopen", record, "place", exits: 4)
        try expect(Self.status, of: amal, "status")
        try expect([Self.peer], of: amal, "peer", "list")
        try expect([Self.peer], of: amal, "peer", "add", "basil", basil.address)
        try expect([Self.peer], of: amal, "peer", "rename", "basil", "attic")
    }

    /// Nothing says when a watcher is there, so notes are made until it tells of one.
    @Test func eventsAsTheyHappen() throws {
        let amal = TestNode.founder("amal", in: workplace)
        try amal.start()
        let (pipe, variables) = (ChildProcess.pipe(), Workplace.variables(home: amal.home))
        let watcher = ChildProcess(
            "\(Workplace.programs)/parley", ["watch", "--json"], pipe: pipe.writing,
            variables: variables, folder: "/tmp")
        let writer = ChildProcess(
            "/bin/sh", ["-c", "while [ ! -e seen ]; do parley new note title=One; done"],
            variables: variables, folder: workplace.path)
        let line = TestNode.line(from: pipe.reading)
        try "".write(toFile: "\(workplace.path)/seen", atomically: false, encoding: .utf8)
        #expect(writer.wait().exitCode == 0)
        amal.stop()
        close(pipe.reading)
        _ = watcher.wait()
        try expect(
            [
                "event": .text, "at": .text, "casebook": .text, "record": .text, "local": .flag,
                "type": .text, "title": .text, "state": .text, "by": .text, "node": .text,
                "change": .text,
            ], of: line, "watch")
    }
}
