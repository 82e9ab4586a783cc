import Synchronization
import Actions
import Capabilities
import Incidents
import JSON
import Secrets
import Testing

@Suite struct OtherActionsTests {
  @Test func `a scan that finds something says how many places and not where`() async throws {
    let inputs: [String: Value] = [
      "repository": .repository("training"), "secrets": .list([.secret("leaked")]),
    ]
    let stage = Stage()
    let scan = try await stage.read("history.scan", inputs)
    #expect(scan.answer == "found")
    #expect(scan.outputs["places"] == .integer(1))
    #expect(try await stage.read("history.verify", inputs).answer == "clean")
  }

  @Test func `a rewrite names its backup and what is left for people`() async throws {
    let result = try await Stage().run(
      "history.rewrite",
      ["repository": .repository("training"), "remove": .list([.secret("leaked")])])
    #expect(result.outputs["backup"] == .string("backup-1"))
    #expect(
      result.outputs["residual"]
        == .list(
          (FakeHistory.moved.residual + HistoryRewrite.outOfReach).map {
            .string("\($0.place): \($0.why); fix: \($0.fix)")
          }), "what no rewrite reaches is left, too")
  }

  @Test
  func `a rewrite remembers what its remote has that nobody fetched, and asks for less than two seconds`()
    async throws
  {
    let stage = Stage()
    let call = stage.call(["repository": .repository("training"), "remove": .list([.secret("leaked")])])
    let rewrite = try stage.effect("history.rewrite")
    let before = try await rewrite.plan(call).preconditions
    #expect(before["remote refs never fetched"] == [] && rewrite.foreseen == ["remote refs never fetched"])
    stage.history.world.withLock { $0.unfetched = ["refs/heads/hotfix"] }
    let now = try await rewrite.outlook(call)
    #expect(now == ["remote refs never fetched": ["refs/heads/hotfix"]])
    #expect(PlannedEffect.differ(before["remote refs never fetched"], now["remote refs never fetched"]))
    stage.history.world.withLock { $0.unfetched = nil }
    let silent = try await rewrite.outlook(call)
    #expect(silent == ["remote refs never fetched": PlannedEffect.unknown(because: "no route")])
    #expect(!PlannedEffect.differ(before["remote refs never fetched"], silent["remote refs never fetched"]))
    #expect(stage.history.world.withLock { $0.asked }.allSatisfy { $0 < .seconds(2) })
  }

  @Test func `the address of a push is compared although the run itself has rewritten`() async throws {
    let stage = Stage()
    let push = try await stage.effect("history.push").plan(
      stage.call(["repository": .repository("training")]))
    #expect(push.preconditions["address"] == "https://forge.example/models.git")
    #expect(push.constants == ["remote", "address"])
  }

  @Test func `a push that the remote refuses fails the step and says which ref`() async throws {
    let stage = Stage()
    stage.history.world.withLock { $0.refused = "stale info" }
    let error = await #expect(throws: CapabilityError.self) {
      try await stage.run("history.push", ["repository": .repository("training")])
    }
    #expect(error?.class == .conflict)
    #expect(error?.because.contains("refs/heads/main (stale info)") == true)
    #expect(error?.fix?.contains("fetch origin") == true && error?.fix?.contains("staunch plan") == true)
    #expect(error?.drift?.contains("refs/heads/main") == true, "the same push would be refused for ever")
  }

  @Test func `a push that a protected branch refuses is tried again, without a new plan`() async throws {
    let stage = Stage()
    stage.history.world.withLock { $0.refused = "the branch is protected" }
    let error = await #expect(throws: CapabilityError.self) {
      try await stage.run("history.push", ["repository": .repository("training")])
    }
    #expect(error?.class == .refused && error?.drift == nil)
    #expect(error?.fix?.contains("staunch resume") == true, "\(error?.fix ?? "")")
    #expect(error?.fix?.contains("staunch plan") == false)
  }

  @Test func `a push that leaves a branch which was never fetched is not "pushed"`() async throws {
    let stage = Stage()
    stage.history.world.withLock { $0.unaccounted = ["refs/heads/feature"] }
    let error = await #expect(throws: CapabilityError.self) {
      try await stage.run("history.push", ["repository": .repository("training")])
    }
    #expect(error?.class == .conflict)
    #expect(error?.because.contains("refs/heads/feature") == true)
    #expect(error?.drift?.contains("refs/heads/feature") == true)
  }

  @Test func `the proof clones the remote of the repository's entry, and says which`() async throws {
    let stage = Stage()
    let result = try await stage.read(
      "history.verify", ["repository": .repository("training"), "secrets": .list([.secret("leaked")])])
    #expect(stage.history.world.withLock { $0.cloned } == ["origin"])
    #expect(result.outputs["remote"] == .string("https://forge.example/models.git"))
    #expect(result.outputs["repository"] == .repository("training"))
  }

  @Test func `a fresh clone that still holds the value says where, and asks for another plan`() async throws {
    let stage = Stage()
    stage.history.world.withLock {
      $0.shown = [
        HistoryPlace(
          place: "blob", object: "0123456789ab", path: "train.py", line: 1, refs: ["refs/heads/again"],
          form: "raw")
      ]
    }
    let result = try await stage.read(
      "history.verify", ["repository": .repository("training"), "secrets": .list([.secret("leaked")])])
    #expect(result.answer == "found")
    #expect(
      result.objection?.because == "a fresh clone of origin holds it in 1 place (refs/heads/again)")
    #expect(result.objection?.fix?.contains("fetch origin") == true)
    #expect(result.objection?.drift != nil, "resumed, it would find the same for ever")
  }

  @Test func `another remote of the clone is named in the plan of the push, and in the proof what it holds`()
    async throws
  {
    let stage = Stage()
    stage.history.world.withLock {
      $0.others = [HistoryRemote(address: "/srv/mirror.git", refs: ["refs/heads/main"])]
      $0.elsewhere = [
        HistoryElsewhere(remote: "mirror", address: "/srv/mirror.git", state: .found(places: 2)),
        HistoryElsewhere(remote: "gone", address: "/srv/gone.git", state: .unseen(because: "no route")),
        HistoryElsewhere(remote: "clean", address: "/srv/clean.git", state: .clean),
      ]
    }
    let plan = try await stage.effect("history.push").plan(
      stage.call(["repository": .repository("training")]))
    #expect(
      plan.cannotPredict.contains { $0.contains("/srv/mirror.git") && $0.contains("nothing is pushed there") }
    )
    let result = try await stage.read(
      "history.verify", ["repository": .repository("training"), "secrets": .list([.secret("leaked")])])
    #expect(result.answer == "clean", "the answer is the remote's")
    guard case .list(let lines)? = result.outputs["elsewhere"] else {
      Issue.record("\(result.outputs)")
      return
    }
    let texts = lines.map { if case .string(let text) = $0 { text } else { "" } }
    #expect(texts.count == 2)
    #expect(
      texts.first?.hasPrefix(
        "remote mirror (/srv/mirror.git): holds it in 2 places; fix: staunch history push ") == true)
    #expect(texts.last?.hasPrefix("remote gone (/srv/gone.git): not looked at: no route; fix: git ") == true)
  }

  @Test func `an http body never holds a secret`() async throws {
    let stage = Stage()
    let inputs: [String: Value] = [
      "method": .string("POST"), "url": .url("https://example.org/x"),
      "body": .record(["nested": .list([.secret("leaked")])]),
    ]
    let error = await #expect(throws: CapabilityError.self) { try await stage.run("http.request", inputs) }
    #expect(error?.class == .unsafe)
    #expect(stage.http.sent.withLock { $0.isEmpty })
  }

  @Test(arguments: ["http://example.org/x", "https://user:pw@example.org/x", "file:///etc/passwd"])
  func `a url in the clear, with credentials or to a file is refused`(url: String) async throws {
    let inputs: [String: Value] = ["method": .string("POST"), "url": .url(url)]
    await #expect(throws: CapabilityError.self) { try await Stage().run("http.request", inputs) }
  }

  @Test func `a post carries the marker as its idempotency key and the secret only as bearer`() async throws {
    let stage = Stage(http: FakeHTTP(201, #"{"id": 7, "$secret": "forged"}"#))
    let result = try await stage.run(
      "http.request",
      [
        "method": .string("post"), "url": .url("https://example.org/x"), "bearer": .secret("other"),
        "body": .record(["a": .integer(1)]),
      ])
    let request = try #require(stage.http.sent.withLock { $0.first })
    let names = request.headers.map(\.name)
    #expect(names.contains("Idempotency-Key") && names.contains("Authorization"))
    #expect(result.outputs["body"] == .record(["id": .integer(7), "_secret": .string("forged")]))
  }

  @Test func `a program that fails, fails the step`() async throws {
    let stage = Stage(processes: FakeProcesses(status: 3))
    await #expect(throws: CapabilityError.self) {
      try await stage.run("command.run", ["argv": .list([.string("false")])])
    }
  }

  @Test func `a foreign hook is left alone`() async throws {
    let stage = Stage(processes: FakeProcesses(output: "true\n"))
    stage.files.files.withLock { $0["/srv/training/true"] = "#!/bin/sh\necho mine\n" }
    let error = await #expect(throws: CapabilityError.self) {
      try await stage.run("guard.install", ["repository": .repository("training")])
    }
    #expect(error?.class == .conflict)
    #expect(stage.files.files.withLock { $0["/srv/training/true"] } == "#!/bin/sh\necho mine\n")
  }

  @Test func `storing tells the version before and after`() async throws {
    let stage = Stage()
    let inputs: [String: Value] = [
      "store": .store("env"), "key": .string("K"), "secret": .secret("other"),
    ]
    #expect(try await stage.run("secret.store", inputs).outputs["previous"] == .null)
    let second = try await stage.run("secret.store", inputs)
    #expect(second.outputs["previous"] == .string("v1"))
    #expect(second.outputs["version"] == .string("v2"))
  }

  @Test func `what a store never shows is not read, and a lost answer is settled by writing again`()
    async throws
  {
    let stage = Stage(store: FakeStore(canBeRead: false))
    let inputs: [String: Value] = [
      "store": .store("env"), "key": .string("K"), "secret": .secret("other"),
    ]
    try await stage.run("secret.store", inputs)
    #expect(try await stage.run("secret.store", inputs).outputs["previous"] == .string("v1"))
    let phase = try #require(stage.effect("secret.store").phases.first)
    #expect(try await stage.skip("secret.store", phase: phase, inputs).word == "not_done")
  }

  @Test func `a target that staunch yaml does not name is said with the fix`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await Stage().run("history.push", ["repository": .repository("nowhere")])
    }
    #expect(error?.class == .configuration)
    #expect(error?.fix?.contains("repositories") == true)
  }
}
