import FoundationEssentials
import ParleyStore

/// What `doctor` says of the folder a node lives in and of the disk below it.
package struct HomeCheckup: Sendable {
    let home: Home

    package init(home: Home) {
        self.home = home
    }

    func results(room: DiskRoom) -> [CheckResult] {
        HomePermissions(home: home).results() + [self.room(room), encryption] + drafts
            + setAside + journals
    }

    /// For a home that can't be opened: the JSON of what its permissions come to, `nil` where they
    /// aren't the reason.
    package var obstacles: String? {
        let results = HomePermissions(home: home).results()
        guard !results.allSatisfy(\.isWell) else { return nil }
        return JSONText.array(results.map(\.json))
    }

    private func room(_ room: DiskRoom) -> CheckResult {
        guard let problem = room.problem else {
            return .well("disk", "\(room.mebibytes) MiB are free on the disk of \(home.path)")
        }
        return .wrong("disk", problem.message, next: "`df -h \(home.path)`, and make room there")
    }

    private var encryption: CheckResult {
        switch DiskEncryption(of: home.path) {
        case .encrypted(let name): .well("encryption", "the home lies encrypted (\(name))")
        case .plain:
            .wrong(
                "encryption",
                "the home lies on a disk that isn't encrypted, as far as the system says: whoever takes the machine can read it",
                next:
                    "move the home to an encrypted disk (`cryptsetup luksFormat` makes one); if the disk or its host encrypts by itself, nothing"
            )
        case .inMemory:
            .wrong(
                "encryption", "the home lies in memory: all of it is gone when the machine stops",
                next: "stop the node and move \(home.path) to an encrypted disk")
        case .unknown(let reason):
            .well("encryption", "can't tell whether the home lies encrypted: \(reason)")
        }
    }

    /// What a restore moved out of the way: nobody erases anything in it.
    private var setAside: [CheckResult] {
        let folders = home.setAside
        guard !folders.isEmpty else {
            return [.well("before-restore", "no old node is left in the home")]
        }
        return folders.map { folder in
            .wrong(
                "before-restore",
                "\(folder) holds the node as it was before a restore, with its key and with what has been erased since",
                next:
                    "see that nothing in it is needed: `parley status --home \(folder)`; then `find \(folder) -type f -exec shred -u {} +` and `rm -r \(folder)`"
            )
        }
    }

    /// What is left where an older file was copied over one that was open.
    private var journals: [CheckResult] {
        let names = FileManager.default.files(in: home.casebooksPath)
            .filter { $0.contains(CasebookStore.strayJournal) }
        guard !names.isEmpty else { return [.well("journals", "no casebook was copied over")] }
        return names.map { name in
            .wrong(
                "journals",
                "a file was copied over a casebook that was in use; \(home.casebooksPath)/\(name) holds what had been written last",
                next:
                    "`parley sync` brings back what others have. Never copy a casebook's file: `parley backup` and `parley restore` do. Once nothing is missing: `shred -u \(home.casebooksPath)/\(name)`"
            )
        }
    }

    /// What somebody typed into an editor and never settled anything with.
    private var drafts: [CheckResult] {
        guard !home.drafts.isEmpty else { return [.well("drafts", "no draft is left in the home")] }
        return home.drafts.map { path in
            .wrong(
                "drafts", "\(path) may hold what somebody typed to settle a conflict",
                next:
                    "read it with `less \(path)`; `parley conflict resolve RECORD FIELD --from \(path)` takes it, `shred -u \(path)` removes it"
            )
        }
    }
}
