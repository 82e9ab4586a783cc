public import Chronicle
public import Foundation
public import Incidents
public import JSON

/// A journal written by hand: events at chosen minutes after 03:00 UTC, sequence numbers and hashes filled in.
public struct JournalStory: Sendable {
  /// 2026-11-24T03:00:00Z: when the stories begin.
  public static let start = Date(timeIntervalSince1970: 1_795_489_200)
  public private(set) var events: [JournalEvent] = []
  private var incident: IncidentID?
  private var run: RunID?

  public init() {}

  /// The instant `minutes` after the start; may be negative.
  public static func minute(_ minutes: Double) -> Date { start.addingTimeInterval(minutes * 60) }

  /// Events from here on name this incident and run.
  public mutating func about(_ incident: IncidentID?, run: RunID? = nil) {
    self.incident = incident
    self.run = run
  }

  /// Appends an event `minutes` after the start.
  public mutating func at(_ minutes: Double, _ kind: EventKind, _ body: JSONValue) {
    let sequence = events.count + 1
    let digits = String(sequence, radix: 16)
    let hash = String(repeating: "0", count: 4 - digits.count) + digits
    events.append(
      JournalEvent(
        sequence: sequence, at: JournalStory.minute(minutes), run: run, incident: incident, kind: kind,
        body: body,
        hash: String(repeating: hash, count: 16)))
  }

  /// A finished effect: intent, outcome, done.
  public mutating func effect(
    _ minutes: Double, step: String, item: Int? = nil, action: String, outputs: JSONValue = [:],
    took: Double = 0.1
  ) {
    var members: [String: JSONValue] = [
      "step": .string(step), "attempt": 1, "action": .string(action), "phase": "perform",
    ]
    if let item { members["item"] = .integer(item) }
    at(minutes, .stepIntent, .object(members))
    members["outputs"] = outputs
    at(minutes + took, .stepOutcome, .object(members))
  }

  /// A probe of the leaked or the replacement secret.
  public mutating func probe(
    _ minutes: Double, _ state: CredentialState, code: String, subject: String = "leaked",
    credential: String = "postgres-training"
  ) {
    at(
      minutes, .credentialProbed,
      [
        "credential": .string(credential), "ref": .string("\(credential)-\(subject)"),
        "subject": .string(subject),
        "state": .string(state.rawValue), "code": .string(code),
      ])
  }
}

extension JournalStory {
  /// A whole incident that went well: found, planned, approved, rotated, proven dead, rewritten, reported.
  public static func contained(mode: String = "live") -> JournalStory {
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    story.at(
      0, .incidentOpened,
      [
        "kind": "postgres_password", "fingerprint": "s1:0a1b2c3d:5e6f7081", "severity": "sev2",
        "codename": "quiet-heron", "source": ["gitleaks"], "validity": "unknown",
        "detected": "2026-11-24T03:00:00.000Z",
        "locations": [
          [
            "key": "k1", "place": "file", "source": "gitleaks",
            "repository": ["host": "forge.example", "name": "models"], "path": "train.py", "line": 12,
            "commit": "4f9d1c2ab86a7d20b6f1f6f3f5f0a2f54d3c8b11",
          ]
        ],
      ])
    story.at(
      1, .planSaved,
      [
        "plan": "plan-1", "digest": "d1gest", "playbook": "database-password", "playbook_sha256": "5ha",
      ])
    story.at(4, .planApproved, ["plan": "plan-1", "digest": "d1gest", "role": "responder", "identity": "k1"])
    story.about("inc-7f3a91c2", run: mode == "drill" ? "DRILL-run-1" : "run-1")
    story.at(
      5, .runStarted,
      [
        "mode": .string(mode), "plan": "plan-1", "digest": "d1gest", "playbook": "database-password",
        "tool_version": "0.1.0", "drill": .boolean(mode == "drill"),
      ])
    story.probe(5.1, .alive, code: "login accepted")
    story.at(
      5.2, .stepOutcome,
      [
        "step": "triage.facts", "attempt": 1, "action": "credential.inspect", "phase": "perform",
        "outputs": [
          "ref": "app",
          "facts": [
            "owner": "data-platform", "scopes": ["SELECT", "INSERT"], "created": "2026-01-05T09:00:00.000Z",
            "last_used": "2026-11-24T02:58:00.000Z",
          ],
        ],
      ])
    story.at(5.25, .stepDone, ["step": "triage.facts"])
    story.at(
      5.3, .stepOutcome,
      [
        "step": "triage.abuse", "attempt": 1, "action": "abuse.search", "phase": "perform",
        "outputs": ["seen": false, "coverage_percent": 40, "findings": []],
      ])
    story.effect(
      6, step: "replacement", action: "credential.issue",
      outputs: ["ref": ["$credential": "postgres-training"]])
    story.probe(6.5, .alive, code: "login accepted", subject: "replacement")
    story.at(6.6, .stepDone, ["step": "replacement"])
    story.effect(7, step: "rollout", item: 0, action: "consumer.roll-out")
    story.at(
      8, .stepVerified,
      ["step": "rollout", "item": 0, "action": "consumer.health", "expect": "healthy", "result": "healthy"])
    story.at(8, .stepDone, ["step": "rollout", "item": 0])
    story.effect(9, step: "disable_old", action: "credential.disable")
    story.at(9.2, .stepDone, ["step": "disable_old"])
    story.probe(9.5, .dead, code: "28P01")
    story.probe(9.6, .dead, code: "28P01")
    story.probe(9.7, .dead, code: "28P01")
    story.at(
      9.8, .stepOutcome,
      ["step": "prove_dead", "attempt": 1, "action": "credential.verify", "phase": "read", "answer": "dead"])
    story.at(
      9.8, .stepVerified,
      [
        "step": "prove_dead", "action": "credential.verify", "expect": "dead", "result": "held",
        "proof": [
          "credential": "postgres-training", "values": ["postgres-training-leaked"],
          "of": [["credential": "postgres-training", "ref": "postgres-training-leaked"]],
          "first_refusal": .string(Timestamp.text(JournalStory.minute(9.5))),
          "began": .string(Timestamp.text(JournalStory.minute(9.5))),
          "ended": .string(Timestamp.text(JournalStory.minute(9.7))), "refusals": 18, "control_logins": 21,
          "addresses": [], "propagation_seconds": 0,
        ],
      ])
    story.at(9.8, .stepDone, ["step": "prove_dead"])
    story.at(9.9, .incidentState, ["state": "contained", "reason": "the old credential is dead"])
    story.at(10, .stepWaiting, ["step": "history", "item": 0, "for": "approval"])
    story.at(
      18, .planApproved,
      ["plan": "plan-1", "digest": "d1gest", "role": "repository-admin", "identity": "k2", "step": "history"])
    story.effect(
      18.5, step: "history", item: 0, action: "history.rewrite",
      outputs: ["repository": ["$repository": "models"], "backup": "backup-1"], took: 0.5)
    story.at(
      20, .stepVerified,
      ["step": "history", "item": 0, "action": "history.scan", "expect": "clean", "result": "clean"])
    story.at(20, .stepDone, ["step": "history", "item": 0])
    story.effect(
      20.1, step: "push", item: 0, action: "history.push",
      outputs: [
        "repository": ["$repository": "models"], "remote": "forge.example:models.git", "updated": 3,
        "untouched": 0, "refused": [], "residual": [],
      ], took: 0.05)
    story.at(
      20.2, .stepOutcome,
      [
        "step": "fresh_clone", "item": 0, "attempt": 1, "action": "history.verify", "phase": "read",
        "answer": "clean",
        "outputs": [
          "repository": ["$repository": "models"], "remote": "forge.example:models.git", "places": 0,
          "objects": 412, "commits": 9,
        ],
      ])
    story.at(
      20.2, .stepVerified,
      ["step": "fresh_clone", "item": 0, "action": "history.verify", "expect": "clean", "result": "held"])
    story.at(20.2, .stepDone, ["step": "fresh_clone", "item": 0])
    story.at(
      20.5, .message,
      [
        "tracker": "security", "message_id": "m1", "sequence": 1, "state": "queued", "attempt": 0,
        "event": "incident.contained",
      ])
    story.at(
      20.6, .message,
      [
        "tracker": "security", "message_id": "m1", "sequence": 1, "state": "sent", "attempt": 1,
        "event": "incident.contained", "remote": "SEC-12",
      ])
    story.at(21, .noted, ["text": "The dashboard showed the last login at 02:58", "role": "responder"])
    story.at(
      21.5, .todo,
      ["text": "Add a pre-commit hook to models", "role": "responder", "owner_role": "repository-admin"])
    story.at(22, .decision, ["what": "skip leftovers", "reason": "no forks exist", "role": "responder"])
    story.at(22, .stepSkipped, ["step": "leftovers", "reason": "no forks exist", "by": "operator"])
    story.at(23, .runEnded, ["state": "done"])
    return story
  }

  /// What the repository of ``contained(mode:)`` tells.
  public static var evidence: RepositoryEvidence {
    RepositoryEvidence(
      repository: "models", visibility: "public",
      introduction: .init(
        commit: "4f9d1c2ab86a7d20b6f1f6f3f5f0a2f54d3c8b11", authored: minute(-3 * 24 * 60),
        refs: ["refs/heads/main", "refs/tags/v1"]),
      firstPush: .init(at: minute(-2 * 24 * 60), source: "forge event log"), forks: 0, pullRequests: 1,
      rewrite: .init(
        commits: 7, blobs: 4, tags: 1, refs: 3, signaturesDropped: 1,
        residual: [
          .init(
            place: "refs/pull/3/head", why: "the forge refuses to move it",
            fix: "ask the forge's support to drop it")
        ], backup: "backup-1"),
      freshScan: .init(
        at: minute(20.2), isClean: true, objects: 412, remote: "forge.example:models.git"),
      people: ["Ada Example", "ada@example.org"])
  }
}
