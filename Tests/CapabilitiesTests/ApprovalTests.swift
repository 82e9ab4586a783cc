import Capabilities
import Foundation
import Incidents
import Testing

@Suite struct ApprovalTests {
  private let person = LocalIdentity()
  private let digest = PlanDigest("aa")
  private let now = Date(timeIntervalSince1970: 1_800_000_000)

  private func trusted(_ identity: LocalIdentity, _ roles: Set<RoleName>) throws -> ApproverIdentity {
    try ApproverIdentity(rawKey: identity.publicKey, roles: roles)
  }

  @Test func `a signed approval by a trusted identity gives authority for exactly that plan`() throws {
    let approval = try person.approve(digest, role: "responder", at: now)
    let plan = try ApprovedPlan(
      digest: digest, mode: .live, approvals: [approval], rule: ApprovalRule(),
      trusted: [trusted(person, ["responder"])])
    #expect(plan.authority().planDigest == digest)
  }

  /// Who signs, as whom each key is known, and how many people that is.
  @Test(
    arguments: [
      (["maria", "maria"], 1), (["maria", "jonas"], 2), (["maria", ""], 1), (["", ""], 1), ([nil, nil], 2),
      (["maria", nil], 2), (["", "maria", "jonas"], 2),
    ] as [([String?], Int)])
  func `people are counted, not keys`(persons: [String?], count: Int) throws {
    let keys = persons.map { _ in LocalIdentity() }
    let trusted = try zip(keys, persons).map {
      try ApproverIdentity(rawKey: $0.publicKey, roles: ["responder"], person: $1)
    }
    let approvals = try keys.map { try $0.approve(digest, role: "responder", at: now) }
    for minimum in 1...3 {
      let plan = try? ApprovedPlan(
        digest: digest, mode: .live, approvals: approvals, rule: ApprovalRule(minimum: minimum),
        trusted: trusted)
      #expect((plan != nil) == (minimum <= count), "\(persons) for \(minimum)")
    }
  }

  @Test func `whoever began it cannot approve it with another key of theirs`() throws {
    let (own, console, other) = (LocalIdentity(), LocalIdentity(), LocalIdentity())
    let trusted = [
      try ApproverIdentity(rawKey: own.publicKey, roles: ["responder"], person: "maria"),
      try ApproverIdentity(rawKey: console.publicKey, roles: ["responder"], person: "maria"),
      try ApproverIdentity(rawKey: other.publicKey, roles: ["responder"], person: "jonas"),
    ]
    let rule = ApprovalRule(notBy: own.fingerprint)
    for (identity, holds) in [(own, false), (console, false), (other, true)] {
      let approval = try identity.approve(digest, role: "responder", at: now)
      let plan = try? ApprovedPlan(
        digest: digest, mode: .live, approvals: [approval], rule: rule, trusted: trusted)
      #expect((plan != nil) == holds)
    }
  }

  @Test func `an approval of another plan is refused`() throws {
    let approval = try person.approve(PlanDigest("bb"), role: "responder", at: now)
    let trusted = try trusted(person, ["responder"])
    let error = #expect(throws: ApprovalError.self) {
      try ApprovedPlan(
        digest: digest, mode: .live, approvals: [approval], rule: ApprovalRule(), trusted: [trusted])
    }
    #expect(error?.code == .otherPlan)
  }

  @Test func `a changed role, digest or time breaks the signature`() throws {
    let good = try person.approve(digest, role: "responder", at: now)
    let trusted = try trusted(person, ["responder", "repository-admin"])
    let forged = [
      Approval(
        digest: digest, step: nil, role: "repository-admin", identity: good.identity, at: good.at,
        signature: good.signature),
      Approval(
        digest: digest, step: "history", role: "responder", identity: good.identity, at: good.at,
        signature: good.signature),
      Approval(
        digest: digest, step: nil, role: "responder", identity: good.identity, at: now.addingTimeInterval(60),
        signature: good.signature),
    ]
    for approval in forged {
      let error = #expect(throws: ApprovalError.self) {
        try ApprovedPlan(
          digest: digest, mode: .live, approvals: [approval], rule: ApprovalRule(), trusted: [trusted])
      }
      #expect(error?.code == .badSignature)
    }
  }

  @Test func `a stranger, or a role that the identity does not hold, is refused`() throws {
    let stranger = LocalIdentity()
    let known = try trusted(person, ["responder"])
    for approval in [
      try stranger.approve(digest, role: "responder", at: now),
      try person.approve(digest, role: "repository-admin", at: now),
    ] {
      let error = #expect(throws: ApprovalError.self) {
        try ApprovedPlan(
          digest: digest, mode: .live, approvals: [approval], rule: ApprovalRule(), trusted: [known])
      }
      #expect(error?.code == .untrusted)
    }
  }

  @Test func `no rule can ask for nobody's approval`() throws {
    let written = Data(#"{"roles":[],"minimum":0}"#.utf8)
    for rule in [ApprovalRule(minimum: 0), try JSONDecoder().decode(ApprovalRule.self, from: written)] {
      let error = #expect(throws: ApprovalError.self) {
        try ApprovedPlan(digest: digest, mode: .live, approvals: [], rule: rule, trusted: [])
      }
      #expect(error?.code == .missing)
    }
  }

  @Test func `two people are two identities, and the initiator's own yes does not count`() throws {
    let other = LocalIdentity()
    let known = [try trusted(person, ["responder"]), try trusted(other, ["responder"])]
    let mine = try person.approve(digest, role: "responder", at: now)
    let again = try person.approve(digest, role: "responder", at: now.addingTimeInterval(1))
    let theirs = try other.approve(digest, role: "responder", at: now)
    let two = ApprovalRule(minimum: 2)
    #expect(throws: ApprovalError.self) {
      try ApprovedPlan(digest: digest, mode: .live, approvals: [mine, again], rule: two, trusted: known)
    }
    #expect(throws: Never.self) {
      try ApprovedPlan(digest: digest, mode: .live, approvals: [mine, theirs], rule: two, trusted: known)
    }
    #expect(throws: ApprovalError.self) {
      try ApprovedPlan(
        digest: digest, mode: .live, approvals: [mine], rule: ApprovalRule(notBy: person.fingerprint),
        trusted: known)
    }
  }
}
