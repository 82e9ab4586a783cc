import Actions
import Capabilities
import Foundation
import Incidents
import JSON
import Secrets
import Simulators
import TestSupport
import Testing

/// What the actions make of each shape of docs/CONTRACT.md.
@Suite struct ShapeTests {
  private static let pairKeys = ["access_key_id": "ID", "secret_access_key": "SECRET"]

  private func error(_ body: () async throws -> Void) async -> CapabilityError? {
    await #expect(throws: CapabilityError.self) { try await body() }
  }

  // Pair, two slots.

  @Test func `a credential of two fields is sealed whole and stored under both keys`() async throws {
    let stage = ShapeStage(
      SimulatedKeyPair(conditions: ScriptedConditions()), store: FakeStore(takesSeveral: true),
      keys: Self.pairKeys)
    let outputs = try await stage.run("credential.issue", ShapeStage<SimulatedKeyPair>.issuing)
    #expect(stage.store.value("ID") == "AKIASIMULATED001")
    let secret = stage.store.value("SECRET")
    #expect(secret == stage.provider.world.entry(CredentialRef("AKIASIMULATED001"))?.value)
    #expect(outputs["fields"] == .list([.secret("staunch-run-00000001-step-1.1/secret_access_key")]))
    #expect(outputs["public"] == .record(["access_key_id": .string("AKIASIMULATED001")]))
    #expect(try await stage.secrets.secret("staunch-run-00000001-step-1.1").exposeAsText() == secret)
  }

  @Test func `kept as one text a pair is a document with both`() async throws {
    let stage = ShapeStage(SimulatedKeyPair(conditions: ScriptedConditions()))
    try await stage.run("credential.issue", ShapeStage<SimulatedKeyPair>.issuing)
    let document = try JSONValue(parsing: try #require(stage.store.value("KEY")))
    #expect(document["access_key_id"] == "AKIASIMULATED001")
    #expect(document["secret_access_key"]?.string == stage.provider.world.entries.last?.value)
    // Read back, it is a replacement that stands: a second run issues nothing.
    let again = try await stage.run("credential.issue", ShapeStage<SimulatedKeyPair>.issuing)
    #expect(again["kept"] == .boolean(true))
    #expect(stage.provider.world.calls == ["issue AKIASIMULATED001"])
  }

  @Test(arguments: [
    (["secret_access_key": "SECRET", "region": "REGION"], true), (["access_key_id": "ID"], true),
    (ShapeTests.pairKeys, false),
  ])
  func `where half of a credential could be read nothing is issued`(
    keys: [String: String], takesSeveral: Bool
  )
    async throws
  {
    let stage = ShapeStage(
      SimulatedKeyPair(conditions: ScriptedConditions()), store: FakeStore(takesSeveral: takesSeveral),
      keys: keys)
    let refusal = await error {
      try await stage.run("credential.issue", ShapeStage<SimulatedKeyPair>.issuing)
    }
    #expect(refusal?.class == .configuration)
    #expect(stage.provider.world.calls.isEmpty)
  }

  @Test func `with both places taken nothing is issued and both ids are named`() async throws {
    let stage = ShapeStage(SimulatedKeyPair(conditions: ScriptedConditions()))
    stage.provider.world.add(CredentialRef("AKIAOTHER"), "somebody's")
    let plan = try await stage.effect("credential.issue").plan(
      stage.call(ShapeStage<SimulatedKeyPair>.issuing))
    #expect(plan.cannotPredict.contains { $0.contains("AKIAOTHER") && $0.contains("AKIASIMULATED000") })
    let refusal = await error {
      try await stage.run("credential.issue", ShapeStage<SimulatedKeyPair>.issuing)
    }
    #expect(refusal?.class == .conflict)
    #expect(refusal?.because.contains("AKIAOTHER") == true)
  }

  @Test func `nothing new is issued while the leaked one reads its store, and then it is`() async throws {
    let rights = Reach([Reach.Grant(.read, "fake:*")], isComplete: true)
    let stage = ShapeStage(
      SimulatedKeyPair(conditions: ScriptedConditions(), rights: rights), store: FakeStore(isNamed: true))
    let refusal = await error {
      try await stage.run("credential.issue", ShapeStage<SimulatedKeyPair>.issuing)
    }
    #expect(refusal?.class == .unsafe)
    #expect(refusal?.fix?.contains("staunch credential disable it --live") == true)
    #expect(stage.provider.world.calls.isEmpty && stage.store.value("KEY") == nil)
    try await stage.run("credential.disable", ShapeStage<SimulatedKeyPair>.leaked)
    try await stage.run("credential.issue", ShapeStage<SimulatedKeyPair>.issuing)
    #expect(stage.store.value("KEY") != nil)
  }

  @Test func `an id alone suffices to stop it`() async throws {
    let stage = ShapeStage(SimulatedKeyPair(conditions: ScriptedConditions()))
    let outputs = try await stage.run(
      "credential.disable", ["credential": .credential("it"), "ref": .string("AKIASIMULATED000")])
    #expect(outputs["refs"] == .list([.string("AKIASIMULATED000")]))
    #expect(!stage.provider.world.isAcceptedAnywhere(stage.provider.leak.value?.exposeAsText() ?? ""))
  }

  @Test func `what the leaked one may do and what it has made is told`() async throws {
    var pair = SimulatedKeyPair(
      conditions: ScriptedConditions(),
      rights: Reach([Reach.Grant(.change, "bucket:models")], isComplete: true))
    pair.made = [.init(CredentialRef("AKIABACKDOOR"), what: "access key of user backup")]
    let stage = ShapeStage(pair)
    let facts = try await stage.read("credential.inspect", ShapeStage<SimulatedKeyPair>.leaked)
    #expect(facts.outputs["reach"] == .list([.string("change bucket:models")]))
    let abuse = try await stage.read("abuse.search", ShapeStage<SimulatedKeyPair>.leaked)
    #expect(abuse.outputs["successors"] == .list([.string("AKIABACKDOOR: access key of user backup")]))
  }

  // Document.

  @Test func `a document is stored as it is`() async throws {
    let stage = ShapeStage(SimulatedDocument(conditions: ScriptedConditions()))
    try await stage.run("credential.issue", ShapeStage<SimulatedDocument>.issuing)
    #expect(stage.store.value("KEY") == stage.provider.world.entries.last?.value)
    #expect(stage.store.value("KEY")?.contains("\"private_key_id\":\"doc-1\"") == true)
  }

  // Two fixed slots.

  @Test func `the slot that did not leak is set anew, and disabling sets the other`() async throws {
    let stage = ShapeStage(SimulatedFixedSlots(conditions: ScriptedConditions()))
    let outputs = try await stage.run("credential.issue", ShapeStage<SimulatedFixedSlots>.issuing)
    #expect(outputs["ref"] == .string("key2"))
    var inputs = ShapeStage<SimulatedFixedSlots>.leaked
    inputs["replaced_by"] = outputs["ref"]
    try await stage.run("credential.disable", inputs)
    #expect(stage.provider.world.calls == ["set key2", "set key1"])
    #expect(!stage.provider.world.isAcceptedAnywhere("slot-leaked-00000000"))
    #expect(stage.provider.world.isAcceptedAnywhere(stage.store.value("KEY") ?? ""))
  }

  @Test func `a slot whose reply was lost is set once more when nothing can come late`() async throws {
    let stage = ShapeStage(SimulatedFixedSlots(conditions: ScriptedConditions()))
    guard case .notDoneYet(_, let lateness) = try await stage.lose() else {
      Issue.record("it was not settled as not done yet")
      return
    }
    #expect(lateness == .seconds(10))
  }

  // It turns itself into a new one.

  @Test(arguments: [true, false])
  func `a self-rotation whose reply was lost is a person's question and is not sent again`(isCarriedOut: Bool)
    async throws
  {
    let stage = ShapeStage(SimulatedSelfRotation(conditions: ScriptedConditions()))
    if !isCarriedOut { stage.conditions.set { $0.lostRequests = 1 } }
    guard case .unknown(let reason) = try await stage.lose() else {
      Issue.record("it was settled without a person")
      return
    }
    #expect(reason.contains(isCarriedOut ? "lost with its reply" : "still accepted"))
    #expect(stage.provider.world.calls == (isCarriedOut ? ["rotate"] : []))
    guard isCarriedOut else { return }
    let refusal = await error {
      try await stage.run("credential.issue", ShapeStage<SimulatedSelfRotation>.issuing, attempt: 2)
    }
    #expect(refusal?.class == .conflict)
    #expect(stage.provider.world.calls == ["rotate"])
  }

  @Test func `a rotated token that nodes still accept is not rotated again`() async throws {
    let stage = ShapeStage(SimulatedSelfRotation(conditions: ScriptedConditions()))
    stage.provider.world.set { $0.stale = .seconds(10) }
    guard case .unknown(let reason) = try await stage.lose() else {
      Issue.record("it was settled without a person")
      return
    }
    #expect(reason.contains("lost with its reply"))
    let refusal = await error {
      try await stage.run("credential.issue", ShapeStage<SimulatedSelfRotation>.issuing, attempt: 2)
    }
    #expect(refusal?.class == .conflict)
    #expect(stage.provider.world.calls == ["rotate"])
  }

  @Test func `what a lost rotation left is not called nothing because nobody answers`() async throws {
    let stage = ShapeStage(SimulatedSelfRotation(conditions: ScriptedConditions()))
    _ = try await stage.lose()
    let action = try stage.effect("credential.issue")
    let call = stage.call(ShapeStage<SimulatedSelfRotation>.issuing)
    stage.conditions.set { $0.tooManyRequests = 1 }
    let unseen = await error { _ = try await action.leftovers(call, [Preparation()]) }
    #expect(unseen?.class == .network)
    #expect(try await action.leftovers(call, [Preparation()]).map(\.ref) == ["simulated-rotation"])
  }

  @Test func `nothing is rotated whose new value could not be stored`() async throws {
    let stage = ShapeStage(
      SimulatedSelfRotation(conditions: ScriptedConditions()),
      store: FakeStore(problem: "the disk is read-only"))
    let refusal = await error {
      try await stage.run("credential.issue", ShapeStage<SimulatedSelfRotation>.issuing)
    }
    #expect(refusal?.because.contains("the disk is read-only") == true)
    #expect(stage.provider.world.calls.isEmpty)
  }

  // Lease.

  @Test func `a lease is tried, nothing is stored, and its end is known`() async throws {
    let stage = ShapeStage(SimulatedLease(conditions: ScriptedConditions()))
    let outputs = try await stage.run("credential.issue", ShapeStage<SimulatedLease>.issuing)
    #expect(stage.store.value("KEY") == nil)
    guard case .timestamp? = outputs["expires"] else {
      Issue.record("nobody knows when it ends")
      return
    }
    try await stage.run("credential.disable", ShapeStage<SimulatedLease>.leaked)
    #expect(stage.provider.world.calls == ["draw lease/1", "revoke lease/0"])
  }

  // Several nodes.

  @Test func `a node out of reach fails the step, and the others are stopped`() async throws {
    let stage = ShapeStage(SimulatedNodes(conditions: ScriptedConditions()))
    stage.provider.world.set { $0.down = "node-2" }
    let refusal = await error { try await stage.run("credential.disable", ShapeStage<SimulatedNodes>.leaked) }
    #expect(refusal?.because.contains("not at app@node-2") == true)
    #expect(refusal?.because.contains("done at app@node-1, app@node-3") == true)
    #expect(stage.provider.world.calls == ["disable node-1", "disable node-3"])
    let verdict = try await stage.read("credential.verify", ShapeStage<SimulatedNodes>.leaked)
    #expect(verdict.answer == "unknown")
    stage.provider.world.set { $0.down = nil }
    #expect(try await stage.read("credential.verify", ShapeStage<SimulatedNodes>.leaked).answer == "alive")
  }

  @Test func `a value whose deletion was cut off is deleted again, though no list names it`() async throws {
    let stage = ShapeStage(SimulatedNodes(conditions: ScriptedConditions()))
    let outputs = try await stage.run("credential.issue", ShapeStage<SimulatedNodes>.issuing)
    let inputs: [String: Value] = ["credential": .credential("it"), "ref": try #require(outputs["ref"])]
    let action = try stage.effect("credential.delete")
    let settlement = try await action.settle(
      stage.call(inputs), phase: "perform", prepared: Preparation(), under: .forTests())
    guard case .notDone = settlement else {
      Issue.record("it was called gone: \(settlement)")
      return
    }
    try await stage.run("credential.delete", inputs)
    #expect(!stage.provider.world.isAcceptedAnywhere(stage.store.value("KEY") ?? ""))
  }

  // A person issues, its holder revokes.

  @Test func `a token is waited for, stored, and the leaked one revokes itself`() async throws {
    let stage = ShapeStage(SimulatedHandIssued(conditions: ScriptedConditions()))
    let waits = await error {
      try await stage.run("credential.issue", ShapeStage<SimulatedHandIssued>.issuing)
    }
    #expect(waits?.class == .awaitsPerson)
    stage.provider.handOver()
    try await stage.run("credential.issue", ShapeStage<SimulatedHandIssued>.issuing)
    #expect(stage.store.value("KEY") == "token-by-hand-1-0000")
    try await stage.run("credential.disable", ShapeStage<SimulatedHandIssued>.leaked)
    #expect(!stage.provider.world.isAcceptedAnywhere("token-leaked-00000000"))
    #expect(stage.provider.world.isAcceptedAnywhere("token-innocent-000000"))
  }
}
