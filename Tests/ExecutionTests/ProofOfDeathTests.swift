import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Synchronization
import Testing

/// What was called dead and was not.
@Suite struct ProofOfDeathTests {
  private static let inputs: [String: Value] = [
    "credential": .credential("cred"), "leaked": .secret("leaked"),
  ]

  private static func playbook(verifies: Bool = false) -> String {
    let with = #"with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}"#
    let verify =
      verifies
      ? ", verify: {uses: credential.verify, \(with), expect: dead, poll: {every: 1s, for: 10m}}" : ""
    return """
      playbook: 1
      id: proof
      title: Proof
      inputs: {credential: {type: credential}, leaked: {type: secret}}
      locks: ["cred"]
      steps:
        - {id: stop, uses: credential.disable, \(with), undo: {none: never again}\(verify)}
        - {id: prove_dead, uses: credential.verify, \(with), expect: dead, poll: {every: 2s, for: 10m, consecutive: 3}}
      """
  }

  /// Plays `answers` one after the other, the last one for ever.
  private func rig(_ answers: [CredentialState], propagation: Duration) throws -> (EngineRig, Asked) {
    let rig = try EngineRig()
    let asked = Asked()
    rig.effect(.credentialDisable) { _, _ async throws(CapabilityError) in
      asked.changed(rig.clock.elapsed)
      return ActionResult(outputs: ["ref": .string("key")])
    }
    rig.read(.credentialVerify) { call async throws(CapabilityError) in
      let state = answers[min(asked.count, answers.count - 1)]
      asked.note(state, rig.clock.elapsed)
      let evidence = ProbeEvidence(refusals: 6, controls: 7, addresses: ["192.0.2.1:5432"])
      let probe = CredentialProbe(state, code: "x", evidence: state == .dead ? evidence : nil)
      return ActionResult(
        outputs: ["state": .string(state.rawValue)], answer: state.rawValue,
        probes: [ProbeRecord(credential: "cred", secret: "leaked", probe: probe)], propagation: propagation)
    }
    return (rig, asked)
  }

  private func proof(_ rig: EngineRig) throws -> JSONValue {
    let verified = try rig.journal.events(run: "run-00000001", kinds: [.stepVerified])
    let last = try #require(verified.last { $0.body["step"] == "prove_dead" })
    return try #require(last.body["proof"])
  }

  @Test
  func
    `The proof lasts as long as a change may take to hold everywhere, and says from when to when it looked`()
    throws
  {
    let (rig, asked) = try rig([.dead], propagation: .seconds(60))
    #expect(try rig.run(Self.playbook(), Self.inputs).state == .done)
    #expect(
      asked.last - asked.change >= .seconds(60), "the last refusal came \(asked.last - asked.change) after it"
    )
    let proof = try proof(rig)
    #expect(proof["propagation_seconds"] == 60)
    #expect(proof["refusals"] == .integer(6 * asked.count))
    #expect(proof["control_logins"] == .integer(7 * asked.count))
    #expect(proof["addresses"] == ["192.0.2.1:5432"])
    #expect(proof["credential"] == "cred")
    #expect(proof["values"] == ["leaked"])
    let began = try #require(proof["began"]?.string.flatMap(Timestamp.date))
    let ended = try #require(proof["ended"]?.string.flatMap(Timestamp.date))
    #expect(ended.timeIntervalSince(began) >= 58)
    #expect(proof["first_refusal"] == proof["began"])
  }

  @Test func `Four refusals and then an acceptance start over, for the whole propagation time`() throws {
    let (rig, asked) = try rig([.dead, .dead, .dead, .dead, .alive, .dead], propagation: .seconds(10))
    #expect(try rig.run(Self.playbook(), Self.inputs).state == .done)
    let acceptance = try #require(asked.times(.alive).last)
    #expect(asked.last - acceptance >= .seconds(10))
    let proof = try proof(rig)
    // What came before the acceptance is no part of it, and more is asked for than without one.
    let after = asked.times(.dead).count { $0 > acceptance }
    #expect(after == 3 * DeathWatchFacts.weight)
    #expect(proof["refusals"] == .integer(6 * after))
    #expect(proof["last_acceptance"] != nil)
  }

  @Test func `ALIVE, ALIVE, DEAD three times is no proof`() throws {
    let (rig, asked) = try rig([.alive, .alive, .dead, .dead, .dead, .alive, .dead], propagation: .zero)
    #expect(try rig.run(Self.playbook(), Self.inputs).state == .done)
    let acceptance = try #require(asked.times(.alive).last)
    #expect(asked.times(.alive).count == 3, "it was called dead before the third acceptance")
    // As late as the acceptance came after the change, as long again the refusals go on.
    #expect(asked.last - acceptance >= acceptance - asked.change)
  }

  @Test func `An acceptance that an earlier step saw weighs`() throws {
    let (rig, asked) = try rig([.alive, .dead], propagation: .zero)
    #expect(try rig.run(Self.playbook(verifies: true), Self.inputs).state == .done)
    // One for `verify:` of the change, then three times the usual three.
    #expect(asked.times(.dead).count == 1 + 3 * DeathWatchFacts.weight)
  }

  @Test func `A verdict that is unknown breaks the row`() throws {
    let (rig, asked) = try rig([.dead, .dead, .unknown, .dead], propagation: .zero)
    #expect(try rig.run(Self.playbook(), Self.inputs).state == .done)
    #expect(asked.count == 6)
    #expect(try proof(rig)["refusals"] == 18)
  }

  @Test func `A clock that is set forward does not shorten the proof`() throws {
    let (rig, asked) = try rig([.dead], propagation: .seconds(60))
    let playbook = try rig.load(Self.playbook())
    let end = try inVirtualTime(seed: 1, rig.clock) {
      let plan = try await rig.plan(playbook, Self.inputs)
      let stepping: CrashPointHook = { point in
        if case .afterCall(let step, _, _) = point, step.rawValue == "prove_dead", asked.count == 1 {
          rig.clock.step(by: 3600)
        }
      }
      return try await rig.engine(playbook, plan, crashPoint: stepping).run()
    }
    #expect(end.state == .done)
    #expect(asked.last - asked.change >= .seconds(60))
  }

  @Test func `A process that goes on does not know how long ago the change was, and waits the whole time`()
    throws
  {
    let (rig, asked) = try rig([.dead], propagation: .seconds(60))
    let playbook = try rig.load(Self.playbook())
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook, Self.inputs) }
    let crash: CrashPointHook = { point in
      if case .beforeCall(let step, _, _) = point, step.rawValue == "prove_dead" { throw SimulatedCrash() }
    }
    #expect(throws: SimulatedCrash.self) {
      try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan, crashPoint: crash).run() }
    }
    rig.clock.step(by: 7200)
    let start = rig.clock.elapsed
    let end = try inVirtualTime(seed: 2, rig.clock) { try await rig.engine(playbook, plan).run() }
    #expect(end.state == .done)
    #expect(asked.last - start >= .seconds(60))
  }

  @Test func `The limit of the poll leaves room for the propagation time`() throws {
    let (rig, asked) = try rig([.dead], propagation: .seconds(3600))
    #expect(try rig.run(Self.playbook(), Self.inputs).state == .done)
    #expect(asked.last - asked.change >= .seconds(3600))
  }

  @Test func `A credential that is accepted to the end is not called dead`() throws {
    let (rig, _) = try rig([.dead, .dead, .alive], propagation: .seconds(5))
    let end = try rig.run(Self.playbook(), Self.inputs)
    #expect(end.state == .failed)
    #expect(try rig.journal.events(run: "run-00000001", kinds: [.stepVerified]).isEmpty)
  }
}

/// What the tests expect of the engine's weight.
private enum DeathWatchFacts { static let weight = 3 }

/// What was asked and when.
private final class Asked: Sendable {
  private struct State {
    var answers: [(state: CredentialState, at: Duration)] = []
    var change: Duration = .zero
  }
  private let state = Mutex(State())
  var count: Int { state.withLock { $0.answers.count } }
  var last: Duration { state.withLock { $0.answers.last?.at ?? .zero } }
  var change: Duration { state.withLock { $0.change } }
  func note(_ answer: CredentialState, _ at: Duration) { state.withLock { $0.answers.append((answer, at)) } }
  func changed(_ at: Duration) { state.withLock { $0.change = at } }
  func times(_ answer: CredentialState) -> [Duration] {
    state.withLock { $0.answers.filter { $0.state == answer }.map(\.at) }
  }
}
