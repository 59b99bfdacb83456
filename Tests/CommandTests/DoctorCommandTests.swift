import FoundationEssentials
import ParleyTestSupport
import Testing
import parley

/// `parley doctor` as people type it.
@Suite struct DoctorCommandTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
    }

    @Test(arguments: [false, true])
    func saysWhatNeedsSomebodyAndWhatIsWell(withDaemon: Bool) throws {
        let node = TestNode.founder("amal", in: workplace)
        if withDaemon { try node.start() }
        let page = node.parley("doctor", exits: 1).output
        #expect(page.contains("wrong  sweida: copies  1 change exists on this machine only"))
        #expect(page.contains("next: `parley invite`"))
        #expect(page.contains("ok     permissions  "))
        #expect(page.contains("above need you\n"))
    }

    /// A home that others can read isn't opened, and the doctor says so instead of failing.
    @Test func aHomeThatOthersCanReadIsAFinding() throws {
        let node = TestNode.founder("amal", in: workplace)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: node.home)
        let result = node.parley("doctor", "--json", exits: 1)
        let checks = try JSONDecoder().decode([Checked].self, from: Data(result.output.utf8))
        #expect(checks.map(\.check) == ["permissions"])
        #expect(checks.first?.next == "`chmod 700 \(node.home)`")
        #expect(node.parley("doctor", exits: 1).output.contains("wrong  permissions"))
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o700], ofItemAtPath: node.home)
        #expect(node.parley("doctor", exits: 1).output.contains("ok     permissions"))
    }

    @Test func whereThereIsNoNodeThereIsNothingToLookAt() {
        #expect(workplace.node("none").parley("doctor", exits: 1).errors.contains("parley init"))
    }
}
