import Capabilities
import Chronicle
import Execution
import Incidents
import JSON
import Journal
import Secrets
import Testing

/// "contained" is written with the proof that completes it, by nothing else.
@Suite struct EngineContainmentTests {
  private static let incident: IncidentID = "inc-00000001"
  private static let first = SecretRef.leaked(of: incident)
  private static let second = SecretRef.leaked(of: incident, further: Fingerprint(rawValue: "s1:00:2222"))

  private static let header = """
    playbook: 1
    id: test
    title: Test
    inputs:
      credential: {type: credential, default: cred}
      leaked: {type: list<secret>}
    """ + "\n"

  private static func proof(_ poll: String) -> String {
    header + """
      steps:
        - {id: off, uses: credential.disable, with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}, undo: {none: leaked}}
        - id: proof
          uses: credential.verify
          with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}
          expect: dead
          poll: \(poll)
      """
  }

  /// A rig whose incident has these values, and whose provider refuses everything.
  private static func rig(_ values: [SecretRef]) throws -> EngineRig {
    let rig = try EngineRig()
    try rig.journal.append(
      [NewEvent(.incidentOpened, incident: incident, ["kind": "postgres_uri", "codename": "x"])],
      sealing: Sealing(
        Dictionary(uniqueKeysWithValues: values.map { ($0, Secret("value of \($0)")) }),
        under: .incident(incident), purpose: "leaked"))
    rig.effect(.credentialDisable, settle: { _, _ in .notDone(evidence: "safe to repeat") }) { _, _ in
      ActionResult()
    }
    rig.read(.credentialVerify) { call in
      let refs = call.inputs["secret"]?.secrets ?? []
      return ActionResult(
        outputs: ["state": .string("dead")], answer: "dead",
        probes: refs.map {
          ProbeRecord(credential: "cred", secret: $0, probe: CredentialProbe(.dead, code: "28P01"))
        })
    }
    return rig
  }

  private static func inputs(_ refs: [SecretRef]) -> [String: Value] {
    ["leaked": .list(refs.map { .secret($0) })]
  }

  private static func states(_ rig: EngineRig) throws -> [String] {
    try rig.journal.events(kinds: [.incidentState]).compactMap { $0.body["state"]?.string }
  }

  @Test
  func `a run for two credentials is contained with the proof of the second, not with that of the first`()
    throws
  {
    let other = SecretRef.leaked(of: "inc-00000002")
    let rig = try Self.rig([Self.first])
    let proofs = [("proof", "leaked"), ("other_proof", "other_leaked")].map { id, input in
      """
        - id: \(id)
          uses: credential.verify
          with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.\(input) }}"}
          expect: dead
          poll: {every: 5s, for: 10m, consecutive: 3}

      """
    }
    let end = try rig.run(
      Self.header + """
          other_leaked: {type: list<secret>}
        steps:
          - {id: look, uses: credential.verify, with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.other_leaked }}"}}

        """ + proofs.joined(),
      Self.inputs([Self.first]).merging(["other_leaked": .list([.secret(other)])]) { $1 })
    #expect(end.state == .done)
    #expect(try Self.states(rig) == ["contained"])
    let contained = try #require(try rig.journal.events(kinds: [.incidentState]).last)
    let verified = try rig.journal.events(run: "run-00000001").filter { $0.kind == .stepVerified }
    #expect(verified.compactMap { $0.body["step"]?.string } == ["proof", "other_proof"])
    #expect(verified.allSatisfy { $0.sequence < contained.sequence })
  }

  @Test func `the proof over every value writes contained, in the same commit`() throws {
    let rig = try Self.rig([Self.first, Self.second])
    let end = try rig.run(
      Self.proof("{every: 5s, for: 10m, consecutive: 3}"), Self.inputs([Self.first, Self.second]))
    #expect(end.state == .done)
    #expect(try Self.states(rig) == ["contained"])
    let events = try rig.journal.events(run: "run-00000001")
    let verified = try #require(events.first { $0.kind == .stepVerified })
    #expect(
      verified.body["proof"]?["values"] == [.string(Self.first.rawValue), .string(Self.second.rawValue)])
    #expect(verified.body["proof"]?["refusals"]?.integer == 3)
    #expect(events.first { $0.kind == .incidentState }?.sequence == verified.sequence + 1)
    #expect(try rig.journal.record(of: Self.incident).containment.isComplete)
  }

  @Test func `a value that the plan does not name keeps the incident open, though the run is done`() throws {
    let rig = try Self.rig([Self.first, Self.second])
    let end = try rig.run(
      Self.proof("{every: 5s, for: 10m, consecutive: 3}"), Self.inputs([Self.first]))
    #expect(end.state == .done)
    #expect(try Self.states(rig) == [])
    #expect(try rig.journal.record(of: Self.incident).containment.unproven == [Self.second])
  }

  @Test func `a single dead probe at the place of the proof contains nothing`() throws {
    let rig = try Self.rig([Self.first])
    let end = try rig.run(Self.proof("{every: 5s, for: 10m}"), Self.inputs([Self.first]))
    #expect(end.state == .done)
    #expect(try Self.states(rig) == [])
    #expect(try !rig.journal.record(of: Self.incident).containment.isComplete)
  }

  /// Two refusals in a row in one run, which is what an older journal's proof consists of.
  @Test func `a question that is put once, and once more, contains nothing`() throws {
    let rig = try Self.rig([Self.first])
    let once = """
      , uses: credential.verify, with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}, expect: dead}
      """
    let end = try rig.run(
      Self.header + "steps:\n  - {id: look\(once)\n  - {id: look_again\(once)\n", Self.inputs([Self.first]))
    #expect(end.state == .done)
    #expect(try Self.states(rig) == [])
    #expect(try rig.journal.record(of: Self.incident).containment.proofs.isEmpty)
  }

  @Test func `a control is not among the values that are proven dead`() throws {
    let rig = try Self.rig([Self.first, Self.second])
    let playbook =
      Self.header + """
          spare: {type: secret}
        steps:
          - id: proof
            uses: credential.verify
            with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}", control: "${{ inputs.spare }}"}
            expect: dead
            poll: {every: 5s, for: 10m, consecutive: 3}
        """
    var inputs = Self.inputs([Self.first])
    inputs["spare"] = .secret(Self.second)
    let end = try rig.run(playbook, inputs)
    #expect(end.state == .done)
    #expect(try rig.journal.record(of: Self.incident).containment.unproven == [Self.second])
  }

  @Test func `a search of a history names the values that it looked for, which may not be all of the plan's`()
    throws
  {
    let rig = try Self.rig([Self.first, Self.second])
    rig.read(.historyScan) { _ in ActionResult(answer: "clean") }
    let playbook =
      Self.header + """
          spare: {type: secret}
        steps:
          - {id: look, uses: history.scan, with: {repository: shop, secrets: ["${{ inputs.spare }}"]}, expect: clean}
        """
    var inputs = Self.inputs([Self.first])
    inputs["spare"] = .secret(Self.second)
    #expect(try rig.run(playbook, inputs).state == .done)
    let events = try rig.journal.events(run: "run-00000001")
    for kind in [EventKind.stepOutcome, .stepVerified] {
      let event = try #require(events.first { $0.kind == kind })
      #expect(event.body["values"] == [.string(Self.second.rawValue)])
    }
  }

  @Test(arguments: 0..<12) func `a crash at any moment of the proof loses no containment and says it once`(
    _ moment: Int
  ) throws {
    let rig = try Self.rig([Self.first])
    let playbook = try rig.load(Self.proof("{every: 5s, for: 10m, consecutive: 3}"))
    let plan = try inVirtualTime(seed: 1, rig.clock) {
      try await rig.plan(playbook, Self.inputs([Self.first]))
    }
    let crash = CrashAt(moment)
    do {
      _ = try inVirtualTime(seed: 1, rig.clock) {
        try await rig.engine(playbook, plan, crashPoint: crash.hook).run()
      }
    } catch is SimulatedCrash {}
    let end = try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }
    #expect(end.state == .done)
    #expect(try Self.states(rig) == ["contained"])
  }
}
