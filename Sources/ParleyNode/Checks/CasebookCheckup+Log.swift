import ParleyCRDT
import ParleyModel
import ParleyStore

/// What the logs say: whose clocks are wrong, who forked, what waits, what is nowhere else.
extension CasebookCheckup {
    func clocks() throws -> [CheckResult] {
        let leads = try scope.clockLeads().filter { isRecent($0.seen) }
        guard !leads.isEmpty else {
            return [well("clocks", "no member's clock is known to be ahead of this one")]
        }
        return try leads.map { lead in
            wrong(
                "clocks",
                "the clock of \(try name(lead.node)) was \(lead.milliseconds / 60_000) minutes ahead of this one on \(Timestamp(milliseconds: lead.seen).day)",
                next:
                    "compare `date -u` on both machines and set whichever is wrong; what was written meanwhile stays and is listed as newer than it is"
            )
        }
    }

    func branches() throws -> [CheckResult] {
        let forks = try scope.forks()
        guard !forks.isEmpty else { return [well("forks", "no log has two ends")] }
        return try forks.map { origin in
            if try isOver(forkOf: origin) {
                return well(
                    "forks",
                    "the log \(origin.text) of \(try name(origin.node)) was written twice once, and isn't any more"
                )
            }
            let name = try origin.node == own ? "this node" : name(origin.node)
            return wrong(
                "forks",
                "the log \(origin.text) of \(name) was written twice from one point on: its folder was copied or restored and both went on, or its key is in other hands. Both branches are kept and shown",
                next:
                    "ask \(name == "this node" ? "whoever copied it" : name). A copied or restored machine needs nothing: it goes on in a new log. A stolen key is cut off by a coordinator: `parley peer revoke NAME --until CHANGE`, with the last change in `parley log\(option)` that is known to be right"
            )
        }
    }

    /// Whether nothing is to be done about a log with two ends: its node is shut out, or has gone on
    /// elsewhere for a while.
    private func isOver(forkOf origin: Origin) throws -> Bool {
        let member = try scope.members().first { $0.node == origin.node }
        guard member?.isRevoked != true else { return true }
        return try !scope.newestTimes(of: origin).contains { isRecent($0.milliseconds) }
    }

    private func isRecent(_ moment: UInt64) -> Bool {
        moment + CasebookCheckup.patienceDays * 86_400_000 > now
    }

    func uninterpreted() throws -> CheckResult {
        let count = try scope.summary().uninterpreted
        guard count > 0 else { return well("versions", "all that came is understood") }
        return wrong(
            "versions",
            "\(Amount.text(count, "part of a change", plural: "parts of changes")) can't be interpreted by this version: kept, passed on and not shown",
            next: "upgrade parley and parleyd here (`parley --version` says which this is)")
    }

    func waiting() throws -> [CheckResult] {
        let logs = try scope.waitingLogs()
        guard !logs.isEmpty else { return [well("waiting", "no change waits for another")] }
        return try logs.map { log in
            let what =
                "\(Amount.text(log.count, "change")) of \(try name(log.origin.node)) "
                + (log.count == 1 ? "waits" : "wait")
            guard let cause = log.cause else {
                return wrong(
                    "waiting", "\(what) for contents that came without, or for news of an erasure",
                    next:
                        "`parley sync` with \(try name(log.origin.node)) or a coordinator in reach")
            }
            return wrong(
                "waiting", "\(what) for \(cause.text) of \(try name(cause.origin.node))",
                next:
                    "`parley sync` with \(try name(cause.origin.node)) in reach, or with somebody who has met that node since"
            )
        }
    }

    func setAside() throws -> [CheckResult] {
        let changes = try scope.setAsideChanges()
        guard !changes.isEmpty else { return [well("set-aside", "every change could be applied")] }
        return try changes.map { change in
            wrong(
                "set-aside",
                "\(change.origin.text):\(change.sequences.lowerBound) of \(try name(change.origin.node)) couldn't be applied, and what comes after it in that log waits; it is kept and passed on",
                next:
                    "`parley verify\(option)`: something that it needs may be damaged here. If all is well, upgrade parley and parleyd; it is tried again whenever the node starts"
            )
        }
    }

    func missing() throws -> [CheckResult] {
        let ranges = try scope.missingRuns()
        guard !ranges.isEmpty else { return [well("contents", "no change lacks its contents")] }
        return try Dictionary(grouping: ranges, by: \.origin.node).sorted { $0.key < $1.key }
            .map { node, ranges in
                let count = ranges.reduce(0) { $0 + $1.sequences.count }
                let first = "\(ranges[0].origin.text):\(ranges[0].sequences.lowerBound)"
                let author = try node == own ? "this node" : name(node)
                return wrong(
                    "contents",
                    "\(Amount.text(count, "change")) of \(author), from \(first) on, can't be read or came without contents, and no erasure explains it",
                    next:
                        "`parley sync` with \(author == "this node" ? "anybody" : "\(author) or anybody else") in reach: what is lacking is asked for again. Then `parley verify\(option)`"
                )
            }
    }

    /// Work that counts nowhere, which its author may not know.
    func void() throws -> [CheckResult] {
        let counts = try scope.voidCounts()
        guard !counts.isEmpty else { return [well("void", "every change counts")] }
        return try counts.sorted { $0.key < $1.key }.map { node, count in
            let who = try node == own ? "this node" : name(node)
            let what =
                "\(Amount.text(count, "change")) of \(who) \(count == 1 ? "counts" : "count") nowhere"
            guard let member = try scope.members().first(where: { $0.node == node }) else {
                return wrong(
                    "void", "\(what): whoever let it in was cut off before",
                    next:
                        "`parley invite\(option)` for its person, who enters the work again; `parley log\(option)` shows it"
                )
            }
            if member.isRevoked {
                return .well(
                    "void", in: casebook, "\(what): they lie beyond its revocation",
                    next:
                        "nothing, if that is meant; `parley log\(option)` shows them, and `parley peer revoke \(who) --until CHANGE\(option)` lets them in up to a change"
                )
            }
            return wrong(
                "void", "\(what): they were made without knowing that its role forbids them now",
                next:
                    "`parley log\(option)` shows them; a coordinator lets them in with `parley peer role \(who) ROLE\(option)` and a role that permits them"
            )
        }
    }

    /// What would be lost with this machine.
    func copies() throws -> CheckResult {
        let others = try scope.members().filter { !$0.isRevoked && $0.node != own }
        let count = try scope.unsharedCount(of: own, among: Set(others.map(\.node)))
        guard count > 0 else {
            return well("copies", "every change made here is known to be on another node")
        }
        let are = "\(Amount.text(count, "change")) \(count == 1 ? "exists" : "exist")"
        guard !others.isEmpty else {
            return wrong(
                "copies", "\(are) on this machine only: nobody else is in this casebook",
                next:
                    "`parley invite\(option)` for a colleague, and keep a backup: `parley backup FILE`"
            )
        }
        let names = try others.map { try name($0.node) }.joined(separator: " or ")
        return wrong(
            "copies", "\(are) on this machine only, as far as is known here",
            next: "start the daemon and type `parley sync` with \(names) in reach")
    }

    func erasures() throws -> [CheckResult] {
        let open = try scope.takingsBack().filter { $0.progress != .done }
        guard !open.isEmpty else {
            return [well("erasures", "nothing that was erased or redacted is left here")]
        }
        let waiting = open.filter { $0.progress == .unconfirmed }
        let results = open.filter { $0.progress != .unconfirmed }.map { erasure in
            wrong(
                "erasures",
                "what \(erasure.source.text) takes back of record \(erasure.record.text) is hidden, and its last bytes are still in the file",
                next: "leave the daemon running for a minute, then type `parley doctor` again")
        }
        guard !waiting.isEmpty else { return results }
        let which = waiting.count == 1 ? "\(waiting[0].record.text.prefix(8)) " : ""
        return results + [
            wrong(
                "erasures",
                "\(Amount.text(waiting.count, "erasure or redaction", plural: "erasures and redactions")) \(waiting.count == 1 ? "hides" : "hide") what is to go and \(waiting.count == 1 ? "waits" : "wait") for somebody at this machine",
                next:
                    "ask the coordinator whether that is meant; if so, `parley erase confirm \(which)--yes\(option)`; `parley erase status\(option)` lists them"
            )
        ]
    }
}
