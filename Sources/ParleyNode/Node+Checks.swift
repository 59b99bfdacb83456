import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyStore
import ParleyTransport

/// Whether all is well: `verify` looks into the casebooks, `doctor` at everything around them.
extension Node {
    /// - Parameter name: of the only casebook that matters, `nil` for all.
    func verify(casebook name: String?) async throws -> Response {
        verifying.begin()
        let stores =
            if let name { [try await casebook(name)] } else { await shelf.stores() }
        var results = name == nil ? shelf.troubles.map(VerifyWording.trouble) : []
        let verification = Verification(progress: verifying) { [hub] store in
            hub.lookAgain(in: store.casebookID)
        }
        for store in stores {
            results += try await verification.results(of: store, name: await self.name(of: store))
        }
        return answer(results, failing: NodeError.Kind.integrity)
    }

    /// Where a `verify` that is under way has come to.
    func verifyProgress() -> Response { Response(json: verifying.json.text) }

    // MARK: Doctor

    /// - Parameter name: of the only casebook that matters, `nil` for all.
    func doctor(casebook name: String?) async throws -> Response {
        await askConnected()
        let all = await shelf.stores()
        let stores = if let name { [try await casebook(name)] } else { all }
        var results = HomeCheckup(home: home).results(room: shelf.room)
        if name == nil { results += shelf.troubles.map(VerifyWording.trouble) }
        for store in stores {
            let digits = store.casebookID.bytes.hex.prefix(8)
            results += try await checkup(
                of: store, option: all.count > 1 ? " --casebook \(digits)" : "")
        }
        return answer(results, failing: .refused)
    }

    /// Lets those who are connected confirm what they hold, which else they say at the next meeting.
    private func askConnected() async {
        guard let network else { return }
        await withDiscardingTaskGroup { group in
            for session in hub.sessions {
                group.addTask { _ = await network.sync(with: session.peer, within: .seconds(2)) }
            }
        }
    }

    private func checkup(of store: CasebookStore, option: String) async throws -> [CheckResult] {
        let name = await name(of: store)
        let (own, now) = (identity.node, environment.store.wallMilliseconds())
        let (connected, twins) = (Set(hub.sessions.map(\.peer)), hub.twins)
        do {
            return try await store.read { scope in
                try CasebookCheckup(
                    scope, casebook: name, option: option, own: own, now: now,
                    connected: connected, twins: twins
                ).results()
            }
        } catch StoreError.damaged(let part) {
            return [
                .wrong(
                    "file", in: name, "the casebook can't be read: \(part) is damaged",
                    next: "`parley verify` says what else is")
            ]
        }
    }

    /// The casebook's name, or the beginning of its ID where that can't be read.
    func name(of store: CasebookStore) async -> String {
        let name = (try? await store.read { try $0.summary().name }) ?? ""
        return name.isEmpty ? String(store.casebookID.bytes.hex.prefix(16)) : name
    }

    private func answer(_ results: [CheckResult], failing kind: NodeError.Kind) -> Response {
        Response(
            exitCode: results.allSatisfy(\.isWell) ? 0 : kind.rawValue,
            json: JSONText.array(results.map(\.json)))
    }
}
