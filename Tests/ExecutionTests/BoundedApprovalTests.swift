import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Synchronization
import Testing

/// A policy lets named actions run without a person, and nothing else.
@Suite struct BoundedApprovalTests {
  private static let source = """
    playbook: 1
    id: test
    title: Test
    steps:
      - {id: one, uses: command.run, with: {argv: [a]}}
      - {id: two, uses: http.request, with: {url: "https://x.example/", method: POST}}
      - {id: three, uses: command.run, with: {argv: [c]}}
    """

  private let policyKey = LocalIdentity()

  private func rig() throws -> EngineRig {
    let rig = try EngineRig()
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    rig.effect(.httpRequest) { _, _ in ActionResult(outputs: ["status": .integer(200)]) }
    return rig
  }

  private func policy(_ rig: EngineRig, actions: Set<String>) throws -> ExecutionPolicy {
    var policy = try rig.policy
    policy.trusted.append(
      try ApproverIdentity(rawKey: policyKey.publicKey, roles: ["policy"], actions: actions))
    return policy
  }

  private func run(_ rig: EngineRig, _ plan: Plan, _ playbook: Playbook, allowing actions: Set<String>) throws
    -> RunEnd
  {
    let policy = try policy(rig, actions: actions)
    let approved = try Approver(journal: rig.journal, policy: policy).approved(plan, mode: .live)
    var environment = try rig.environment()
    environment.policy = policy
    let ready = environment
    return try inVirtualTime(seed: 1, rig.clock) {
      try await Engine(playbook: playbook, plan: plan, approved: approved, environment: ready).run()
    }
  }

  @Test func `only the named actions run; the run waits at the first other one until a person approves`()
    throws
  {
    let rig = try rig()
    let playbook = try rig.load(Self.source)
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook) }
    let policy = try policy(rig, actions: ["command.run"])
    let word = try policyKey.approve(
      plan.digest, role: "policy", at: rig.clock.now, actions: ["command.run"])
    try Approver(journal: rig.journal, policy: policy).record(word, for: plan)

    let first = try run(rig, plan, playbook, allowing: ["command.run"])
    #expect(first.state == .waiting)
    #expect(first.waits.map(\.subject) == [.approval])
    #expect(first.waits.first?.step == "two")
    #expect(rig.calls.withLock { $0 } == ["command.run one perform"])

    let person = try rig.identity.approve(plan.digest, role: "responder", at: rig.clock.now)
    try Approver(journal: rig.journal, policy: policy).record(person, for: plan)
    let second = try run(rig, plan, playbook, allowing: ["command.run"])
    #expect(second.state == .done)
    #expect(
      rig.calls.withLock { $0 } == [
        "command.run one perform", "http.request two perform", "command.run three perform",
      ])
  }

  @Test func `a policy that was narrowed lets nothing run that it approved before`() throws {
    let rig = try rig()
    let playbook = try rig.load(Self.source)
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook) }
    let wide = try policy(rig, actions: ["command.run", "http.request"])
    let word = try policyKey.approve(
      plan.digest, role: "policy", at: rig.clock.now, actions: ["command.run", "http.request"])
    try Approver(journal: rig.journal, policy: wide).record(word, for: plan)
    let end = try run(rig, plan, playbook, allowing: [])
    #expect(end.state == .waiting)
    #expect(rig.calls.withLock { $0 } == [])
  }

  @Test func `a policy cannot approve a plan as a whole, open a gate, or widen what was signed`() throws {
    let digest = PlanDigest(String(repeating: "a", count: 64))
    let now = Date(timeIntervalSince1970: 1_700_000_000)
    let trusted = [
      try ApproverIdentity(rawKey: policyKey.publicKey, roles: ["policy"], actions: ["command.run"])
    ]
    let narrow = try policyKey.approve(digest, role: "policy", at: now, actions: ["command.run"])
    let wrong = [
      try policyKey.approve(digest, role: "policy", at: now),
      try policyKey.approve(digest, step: "go", role: "policy", at: now, actions: ["command.run"]),
      Approval(
        digest: digest, step: nil, role: "policy", identity: narrow.identity, at: now,
        signature: narrow.signature, actions: ["command.run", "http.request"]),
      Approval(
        digest: digest, step: nil, role: "policy", identity: narrow.identity, at: now,
        signature: narrow.signature),
    ]
    for approval in wrong {
      #expect(throws: ApprovalError.self) {
        try ApprovedPlan(
          digest: digest, mode: .live, approvals: [approval], rule: ApprovalRule(), trusted: trusted)
      }
    }
    let approved = try ApprovedPlan(
      digest: digest, mode: .live, approvals: [narrow], rule: ApprovalRule(minimum: 2), trusted: trusted)
    #expect(approved.actions == ["command.run"])
    let authority = approved.authority()
    let covered = ["command.run", "http.request"].filter { authority.covers($0) }
    #expect(covered == ["command.run"])
    #expect(throws: CapabilityError.self) { try authority.require("http.request") }
    try authority.require("command.run")
  }

  @Test func `one person cannot get around a rule of two by approving single actions`() throws {
    let digest = PlanDigest(String(repeating: "a", count: 64))
    let person = LocalIdentity()
    let trusted = [try ApproverIdentity(rawKey: person.publicKey, roles: ["responder"])]
    let word = try person.approve(
      digest, role: "responder", at: Date(timeIntervalSince1970: 1_700_000_000), actions: ["command.run"])
    #expect(throws: ApprovalError.self) {
      try ApprovedPlan(
        digest: digest, mode: .live, approvals: [word], rule: ApprovalRule(minimum: 2), trusted: trusted)
    }
    #expect(throws: ApprovalError.self) {
      try ApprovedPlan(
        digest: digest, mode: .live, approvals: [word], rule: ApprovalRule(), trusted: trusted)
    }
  }
}
