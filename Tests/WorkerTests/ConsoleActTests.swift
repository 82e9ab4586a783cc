import Capabilities
import Chronicle
import Execution
import Foundation
import Inbox
import Incidents
import JSON
import Journal
import People
import Playbooks
import ResponseSupport
import TestSupport
import Testing

@testable import Response
@testable import Worker

/// What people do on the console about a run, and with an incident.
@Suite struct ConsoleActTests {
  /// An incident with a plan of one manual step, and maria, a responder.
  private struct Site {
    let rig: WorkerRig
    let incident: IncidentID
    let plan: Plan
    let maria = LocalIdentity()

    init() async throws {
      let directory = try TemporaryDirectory()
      try """
      playbook: 1
      id: mine
      title: Mine
      deadline: 1h
      steps:
        - {id: call, title: Call the owner, manual: Ring twice, collect: {told: timestamp, who: string}}
      """.write(toFile: directory.path("mine.yaml"), atomically: true, encoding: .utf8)
      let trust: JSONValue = [
        "schema": 1,
        "people": [
          ["name": "maria", "key": .string(maria.publicKey.base64EncodedString()), "roles": ["responder"]]
        ],
      ]
      try FileManager.default.createDirectory(
        atPath: directory.path("state"), withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
      try trust.canonicalText.write(
        toFile: directory.path("state/people.trust.json"), atomically: true, encoding: .utf8)
      rig = try WorkerRig("", in: directory, playbooks: directory.path)
      _ = try await rig.deliver(
        WorkerRig.report([(FakeSecrets.value("a key"), "config/app.env")]), id: "1")
      _ = try await rig.worker.takeIn()
      incident = try #require(try rig.incidents().first)
      let playbook = try rig.installation.library.load("mine", catalogue: ActionSignature.builtin)
      plan = try await PlanMaker(installation: rig.installation).plan(
        playbook, inputs: [:], incident: incident)
    }

    /// Maria approves the plan on the console; then the worker carries it out, as far as it goes.
    func start() async throws {
      let word = try SignedDecision.approve(plan.digest, step: nil).signed(
        by: maria, role: "responder", at: rig.clock.now)
      let said = NewDecision(
        at: rig.clock.now, person: "maria", roles: ["responder"], kind: .approve,
        incident: incident.rawValue, plan: plan.id.rawValue, digest: plan.digest.rawValue,
        approval: .init(identity: word.identity, role: "responder", at: word.at, signature: word.signature),
        via: .password)
      #expect(try DecisionDesk(installation: rig.installation).apply(said).hasPrefix("approved"))
      try await rig.work()
    }

    func say(
      _ kind: NewDecision.Kind, step: String? = nil, text: String? = nil, fields: [String: String]? = nil,
      signing signed: SignedDecision? = nil, run: String? = nil
    ) throws -> String {
      var said = NewDecision(
        at: rig.clock.now, person: "maria", roles: ["responder"], kind: kind, incident: incident.rawValue,
        run: run ?? plan.run.rawValue, step: step, text: text, fields: fields, via: .password)
      if let signed {
        let word = try signed.signed(by: maria, role: "responder", at: rig.clock.now)
        said.approval = .init(
          identity: word.identity, role: "responder", at: word.at, signature: word.signature)
      }
      return try DecisionDesk(installation: rig.installation).apply(said)
    }

    func board() throws -> JSONValue {
      try #require(try rig.inbox.document(kind: "incident", id: incident.rawValue)).document
    }
  }

  private static let fields = ["told": "2026-11-30T18:00:00Z", "who": "the owner"]

  @Test func `a manual step is answered with all its fields, signed, and the run goes on`() async throws {
    let site = try await Site()
    try await site.start()
    let waiting = try #require(try site.board()["waiting"]?[0])
    #expect(waiting["for"] == "manual" && waiting["title"] == "Call the owner")
    #expect(waiting["fields"]?.array?.compactMap { $0["name"]?.string } == ["told", "who"])
    func answer(_ fields: [String: String], signed: [String: String]? = Self.fields) throws -> String {
      try site.say(
        .answer, step: "call", fields: fields,
        signing: signed.map { .answer(site.plan.digest, step: "call", fields: $0) })
    }
    #expect(try answer(Self.fields, signed: nil) == "refused: answering a step needs a signature")
    #expect(try answer(["told": "x"]).hasPrefix("refused"), "another answer than the one that was signed")
    for fields in [["told": "2026-11-30T18:00:00Z"], ["told": "soon", "who": "a"]] {
      #expect(try answer(fields, signed: fields).hasPrefix("refused"), "\(fields)")
    }
    #expect(try site.rig.events([.stepManual]).isEmpty)
    #expect(try answer(Self.fields) == "taken; the run goes on")
    try await site.rig.work()
    #expect(try site.board()["run"]?["state"] == "done")
    #expect(try answer(Self.fields).hasPrefix("refused"), "it does not wait any more")
  }

  @Test func `a run is gone on with by whoever may approve, and taken back only with a signature`()
    async throws
  {
    let site = try await Site()
    #expect(try site.say(.resume, text: "again", run: "run-of-nobody") == "refused: no such run")
    try await site.start()
    #expect(try site.say(.resume, text: "again") == "the run goes on")
    let words = RunWords(site.plan, in: site.rig.installation.journal)
    #expect(try words.abortion() == nil)
    #expect(try site.say(.abort, text: "wrong plan").hasPrefix("refused"))
    #expect(
      try site.say(
        .abort, text: "wrong plan", signing: .abort(site.plan.digest, reason: "another reason")
      ).hasPrefix("refused"))
    #expect(try words.abortion() == nil)
    #expect(
      try site.say(.abort, text: "wrong plan", signing: .abort(site.plan.digest, reason: "wrong plan"))
        == "the run is taken back")
    #expect(try words.abortion() == "wrong plan")
  }

  @Test func `a run that is carried out by hand is nobody's on the console`() async throws {
    let site = try await Site()
    #expect(try site.say(.resume) == "refused: no such run", "nobody has approved it")
    let journal = site.rig.installation.journal
    let word = try site.rig.installation.identity.approve(
      site.plan.digest, role: "responder", at: site.rig.clock.now)
    try Approver(journal: journal, policy: site.rig.installation.policy).record(word, for: site.plan)
    #expect(try site.say(.resume) == "refused: it is carried out by hand: staunch resume \(site.plan.run)")
  }

  @Test func `an incident that is not contained is not closed, and one that is given to somebody says so`()
    async throws
  {
    let site = try await Site()
    let close = SignedDecision.close(incident: site.incident.rawValue, reason: "over")
    #expect(try site.say(.close, text: "over").hasPrefix("refused"))
    #expect(
      try site.say(.close, text: "over", signing: close) == "refused: its leaked credential was never tried")
    #expect(try site.say(.assign, text: "jonas") == "it is jonas's")
    try await site.rig.work()
    #expect(try site.board()["assigned"] == "jonas")
    #expect(try site.say(.assign) == "it is nobody's")
    try await site.rig.work()
    #expect(try site.board()["assigned"] == "")
  }

  @Test func `who approved stands on the board, and a declined plan says that it will never run`()
    async throws
  {
    let site = try await Site()
    try await site.start()
    let approval = try #require(try site.board()["approvals"]?[0])
    #expect(approval["identity"] == .string(site.maria.fingerprint) && approval["role"] == "responder")
    #expect(approval["by_policy"] == false)
    let other = try await Site()
    let no = NewDecision(
      at: other.rig.clock.now, person: "maria", roles: ["responder"], kind: .decline,
      incident: other.incident.rawValue, plan: other.plan.id.rawValue, digest: other.plan.digest.rawValue,
      text: "a test key", via: .password)
    #expect(try DecisionDesk(installation: other.rig.installation).apply(no).hasPrefix("declined"))
    try await other.rig.work()
    #expect(try other.board()["plan"]?["obstacle"] == "it was declined (a test key)")
  }
}
