import Capabilities
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

/// What people of which roles may decide on the console.
@Suite struct DecisionRolesTests {
  /// A plan with a bare gate, a gated step, one for two people, and a group that holds a gate.
  private struct Site {
    let rig: WorkerRig
    let plan: Plan
    let people: [String: LocalIdentity]

    init(roles: [String: [String]], policy: String = "") async throws {
      let directory = try TemporaryDirectory()
      try """
      playbook: 1
      id: mine
      title: Mine
      deadline: 1h
      steps:
        - {id: go, approve: {by: [repository-admin]}}
        - {id: look, manual: Look, approve: {by: [repository-admin]}}
        - {id: both, manual: Look, approve: {by: [responder], min: 2}}
        - {id: group, parallel: [{id: inner, manual: Look, approve: {by: [responder]}}, {id: other, manual: Look}]}
        - {id: free, manual: Look}
      """.write(toFile: directory.path("mine.yaml"), atomically: true, encoding: .utf8)
      let people = roles.mapValues { _ in LocalIdentity() }
      let trust: JSONValue = [
        "schema": 1,
        "people": .array(
          roles.map { name, roles in
            [
              "name": .string(name), "key": .string(people[name]?.publicKey.base64EncodedString() ?? ""),
              "roles": .array(roles.map { .string($0) }),
            ]
          }),
      ]
      try FileManager.default.createDirectory(
        atPath: directory.path("state"), withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
      try trust.canonicalText.write(
        toFile: directory.path("state/people.trust.json"), atomically: true, encoding: .utf8)
      rig = try WorkerRig(policy, in: directory, playbooks: directory.path)
      self.people = people
      let playbook = try rig.installation.library.load("mine", catalogue: ActionSignature.builtin)
      plan = try await PlanMaker(installation: rig.installation).plan(playbook, inputs: [:], incident: nil)
    }

    /// What the worker answers to a decision that `person` signed in `role`.
    func say(
      _ kind: NewDecision.Kind, step: String? = nil, _ reason: String = "because", by person: String,
      role: String, signedAt: Date? = nil
    ) async throws -> String {
      var said = NewDecision(
        at: rig.clock.now, person: person, roles: [role], kind: kind, plan: plan.id.rawValue,
        digest: plan.digest.rawValue, step: step, text: reason, via: .password)
      let step = step.map { StepID($0) }
      let decision: SignedDecision =
        kind == .skip
        ? .skip(plan.digest, step: try #require(step), reason: reason) : .approve(plan.digest, step: step)
      let word = try decision.signed(
        by: try #require(people[person]), role: RoleName(role),
        at: signedAt ?? rig.clock.now)
      said.approval = NewDecision.Signature(
        identity: word.identity, role: role, at: word.at, signature: word.signature)
      return try DecisionDesk(installation: rig.installation).apply(said)
    }
  }

  @Test func `an onlooker approves no plan, declines none, and leaves nothing out`() async throws {
    let site = try await Site(roles: ["olga": ["observer"], "maria": ["responder"]])
    #expect(try await site.say(.approve, by: "olga", role: "observer").hasPrefix("refused"))
    #expect(try await site.say(.decline, by: "olga", role: "observer").hasPrefix("refused"))
    #expect(try await site.say(.skip, step: "free", by: "olga", role: "observer").hasPrefix("refused"))
    #expect(
      try await site.say(.approve, by: "olga", role: "responder").hasPrefix("refused"), "she lacks that role")
    #expect(try site.rig.events([.planApproved, .planDeclined, .stepSkipped]).isEmpty)
    #expect(try await site.say(.approve, by: "maria", role: "responder").hasPrefix("approved"))
    #expect(try await site.say(.skip, step: "free", by: "maria", role: "responder").hasSuffix("left out"))
  }

  @Test func `a word that was held back for longer than it keeps is refused, and so is one of the future`()
    async throws
  {
    let site = try await Site(roles: ["maria": ["responder"]])
    let signed = site.rig.clock.now
    for (wait, text) in [(13 * 3600.0, "12 hours"), (-20 * 3600, "clocks")] {
      site.rig.clock.advance(wait)
      let answer = try await site.say(.approve, by: "maria", role: "responder", signedAt: signed)
      #expect(answer.hasPrefix("refused") && answer.contains(text), "\(answer)")
    }
    #expect(try site.rig.events([.planApproved]).isEmpty)
  }

  @Test func `who may approve plans is the policy's to say`() async throws {
    let site = try await Site(
      roles: ["olga": ["duty-officer"], "maria": ["responder"]],
      policy: "policy: {approvals: {roles: [duty-officer]}}")
    #expect(try await site.say(.approve, by: "maria", role: "responder").hasPrefix("refused"))
    #expect(try await site.say(.approve, by: "olga", role: "duty-officer").hasPrefix("approved"))
  }

  @Test func `a gate counts the roles that it names, and is told so at once`() async throws {
    let site = try await Site(roles: ["maria": ["responder"], "jonas": ["repository-admin"]])
    let refusal = try await site.say(.approve, step: "go", by: "maria", role: "responder")
    #expect(refusal.hasPrefix("refused") && refusal.contains("repository-admin"), "\(refusal)")
    #expect(try await site.say(.decline, step: "go", by: "maria", role: "responder").hasPrefix("refused"))
    #expect(
      try await site.say(.approve, step: "go", by: "jonas", role: "repository-admin").hasPrefix("approved"))
  }

  @Test func `a gate is no step to leave out, and a gated step only for those who could approve it`()
    async throws
  {
    let site = try await Site(roles: ["maria": ["responder"], "jonas": ["repository-admin", "responder"]])
    for (step, person, role) in [
      ("go", "jonas", "repository-admin"), ("look", "maria", "responder"), ("both", "jonas", "responder"),
      ("group", "jonas", "responder"),
    ] {
      let answer = try await site.say(.skip, step: step, by: person, role: role)
      #expect(answer.hasPrefix("refused"), "\(step): \(answer)")
    }
    #expect(try site.rig.events([.stepSkipped]).isEmpty)
    #expect(
      try await site.say(.skip, step: "look", by: "jonas", role: "repository-admin").hasSuffix("left out"))
  }

  @Test func `what is no incident or step of ours is written down as one`() async throws {
    let rig = try WorkerRig()
    for kind in [NewDecision.Kind.note, .acknowledge] {
      let said = NewDecision(
        at: rig.clock.now, person: "maria", roles: ["responder"], kind: kind, incident: "inc-of-nobody",
        text: "x", via: .password)
      let answer = try DecisionDesk(installation: rig.installation).apply(said)
      #expect(answer == "refused: no such incident")
    }
    #expect(try rig.installation.journal.events().isEmpty)
    let site = try await Site(roles: ["maria": ["responder"]])
    for kind in [NewDecision.Kind.approve, .decline] {
      let answer = try await site.say(kind, step: "nosuch", by: "maria", role: "responder")
      #expect(answer == "refused: no such step")
    }
    #expect(try site.rig.events([.planApproved, .planDeclined]).isEmpty)
  }
}
