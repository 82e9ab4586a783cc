public import Foundation
import Incidents
public import JSON

/// A board as a worker publishes it: several incidents in different states, live and drill. For tests of the console, and to
/// look at its pages without a worker.
public struct BoardFixture: Sendable {
  public let now: Date
  public static let planDigest = "5f2b1c9e4a7d3086e1f0c2b4a69788d5c3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8"

  public init(now: Date) { self.now = now }

  /// Kind, id and document, ready for `Inbox.publish`.
  public var documents: [(kind: String, id: String, document: JSONValue)] {
    incidents.map { ("incident", $0["id"]?.string ?? "", $0) } + [
      ("plan", "plan-7k2m", plan), ("plan", "plan-9xqd", secondPlan), ("outbox", "all", outbox),
      ("postmortem", "inc-2c9v", postMortem),
    ]
  }

  /// What stands while a storm is held.
  public var storm: (kind: String, id: String, document: JSONValue) {
    (
      "storm", "current",
      [
        "schema": 1, "id": "storm-1", "since": ago(480),
        "text":
          "212 new incidents in 4 minutes, all from gitleaks 8.21. Steps that destroy wait for a person.",
      ]
    )
  }

  public var incidents: [JSONValue] { [alive, unknown, contained, drill, closed] }

  private func ago(_ seconds: Double) -> JSONValue {
    .string(Timestamp.text(now.addingTimeInterval(-seconds)))
  }

  private func step(
    _ name: String, _ action: String, _ state: String, _ milliseconds: Int? = nil, reason: String? = nil
  ) -> JSONValue {
    [
      "step": .string(name), "item": nil, "action": .string(action), "state": .string(state), "began": nil,
      "duration_ms": milliseconds.map { .integer($0) } ?? nil, "reason": reason.map { .string($0) } ?? nil,
    ]
  }

  private func event(_ seconds: Double, _ text: String, _ evidence: String, quote: String? = nil) -> JSONValue
  {
    var row: [String: JSONValue] = ["at": ago(seconds), "text": .string(text), "evidence": .string(evidence)]
    if let quote { row["quote"] = .string(quote) }
    return .object(row)
  }

  /// The worst case: the old credential is accepted, and the step that kills it waits for a person.
  private var alive: JSONValue {
    [
      "id": "inc-4t8a", "codename": "amber-heron", "kind": "postgres_uri", "severity": "sev1",
      "state": "open",
      "drill": false, "detected": ago(1507), "since_detection_ms": 1_507_000,
      "credentials": [
        ["id": "orders-db", "subject": "leaked", "state": "alive", "probed": ago(41), "code": "accepted"],
        [
          "id": "orders-db", "subject": "replacement", "state": "alive", "probed": ago(312),
          "code": "accepted",
        ],
      ],
      "run": ["id": "run-3f7c", "mode": "live", "state": "waiting"],
      "plan": [
        "id": "plan-7k2m", "digest": .string(BoardFixture.planDigest), "playbook": "database-password",
        "approved": true,
      ],
      "step": "disable-old",
      "steps": [
        step("inspect", "credential.inspect", "done", 180), step("issue", "credential.issue", "done", 640),
        step("store-new", "store.write", "done", 95), step("roll-out", "consumer.reload", "done", 61_000),
        step("verify-new", "credential.verify", "done", 1900),
        step("disable-old", "credential.disable", "waiting", 252_000, reason: "waits for an approval"),
        step("end-sessions", "credential.end-sessions", "pending"),
        step("prove-dead", "credential.verify", "pending"), step("scrub", "history.rewrite", "pending"),
        step("tell", "ticket.update", "pending"),
      ],
      "waiting": [
        [
          "step": "disable-old", "for": "approval", "since": ago(252), "until": nil,
          "prompt": "Every consumer runs with the new password. Disable the old one?",
        ]
      ],
      "next": [
        "text": "Step disable-old waits for approval",
        "command": .string("staunch approve \(BoardFixture.planDigest) --step disable-old"),
      ],
      "undelivered": 1,
      "undelivered_messages": [
        ["id": "msg-71", "tracker": "pagerduty", "state": "unknown", "event": "contained"]
      ],
      "timeline": [
        event(
          93_000, "First commit with the secret in shop/orders (reached by main, release/2026-11)",
          "commit 9ab31f0e"),
        event(92_400, "First push of it to origin", "repository"),
        event(1507, "Incident opened: postgres_uri reported by github, validity active", "event 1"),
        event(1490, "Plan plan-7k2m saved, playbook database-password", "event 4"),
        event(1320, "Plan plan-7k2m approved by role responder", "event 5"),
        event(1318, "Run run-3f7c started, mode live", "event 6"),
        event(700, "step roll-out: consumer.reload answered", "event 31"),
        event(252, "step disable-old: waiting for approval", "event 38", quote: "Disable the old one?"),
        event(41, "Probe of orders-db (leaked): ALIVE (accepted), 9 answers in a row", "event 47"),
      ],
      "places": [
        ["repository": "shop/orders", "path": "deploy/compose.yaml", "line": 41, "commit": "9ab31f0e77c4"],
        ["repository": "shop/orders", "path": "docs/runbook.md", "line": 12, "commit": "c01d22be9f10"],
        ["repository": "shop/orders-legacy", "path": ".env.production", "line": 3, "commit": "0b44e1aa3d52"],
      ],
      "notes": [["at": ago(610), "role": "responder", "text": "Checkout still answers from the new pool."]],
      "locks": [
        ["name": "credential/orders-db", "run": "run-3f7c", "owner": "worker-1", "since": ago(1318)]
      ],
    ]
  }

  private var unknown: JSONValue {
    [
      "id": "inc-9xqd", "codename": "quiet-lantern", "kind": "openai_api_key", "severity": "sev2",
      "state": "open",
      "drill": false, "detected": ago(340), "since_detection_ms": 340_000, "credentials": [],
      "run": nil,
      "plan": ["id": "plan-9xqd", "digest": "77aa", "playbook": "openai-api-key", "approved": false],
      "step": nil, "steps": [], "waiting": [],
      "next": [
        "text": "Read the plan, approve its digest and run it",
        "command": "staunch run plan-9xqd --live",
      ],
      "undelivered": 0, "undelivered_messages": [],
      "timeline": [event(340, "Incident opened: openai_api_key reported by gitguardian", "event 60")],
      "places": [
        ["repository": "ml/notebooks", "path": "eval.ipynb", "line": 220, "commit": "aa10ff209b00"]
      ],
      "notes": [], "locks": [],
    ]
  }

  private var contained: JSONValue {
    [
      "id": "inc-2c9v", "codename": "slate-orchard", "kind": "aws_access_key", "severity": "sev2",
      "state": "contained", "drill": false, "detected": ago(19_400), "since_detection_ms": 19_400_000,
      "credentials": [
        [
          "id": "ci-deploy", "subject": "leaked", "state": "dead", "probed": ago(95), "proven": ago(95),
          "code": "InvalidClientTokenId",
        ],
        [
          "id": "ci-deploy", "subject": "replacement", "state": "alive", "probed": ago(95),
          "code": "accepted",
        ],
      ],
      "run": ["id": "run-1b0e", "mode": "live", "state": "done"],
      "plan": [
        "id": "plan-1b0e", "digest": "1234", "playbook": "rotate-leaked-credential", "approved": true,
      ],
      "step": nil,
      "steps": [
        step("issue", "credential.issue", "done", 900),
        step("disable-old", "credential.disable", "done", 420),
        step("scrub", "history.rewrite", "skipped", reason: "the repository is archived; no clone is left"),
        step("prove-dead", "credential.verify", "done", 121_000),
      ],
      "waiting": [],
      "next": [
        "text": "Contained. Complete the post-mortem", "command": "staunch postmortem draft inc-2c9v",
      ],
      "undelivered": 0, "undelivered_messages": [],
      "timeline": [event(95, "Probe of ci-deploy (leaked): DEAD", "event 90")],
      "places": [], "notes": [], "locks": [],
    ]
  }

  private var drill: JSONValue {
    [
      "id": "inc-d001", "codename": "paper-tiger", "kind": "github_pat", "severity": "sev3", "state": "open",
      "drill": true, "detected": ago(75), "since_detection_ms": 75_000,
      "credentials": [
        ["id": "bot", "subject": "leaked", "state": "unknown", "probed": ago(20), "code": "timeout"]
      ],
      "run": ["id": "run-d001", "mode": "drill", "state": "running"], "plan": nil, "step": "verify",
      "steps": [
        step(
          "inspect", "credential.inspect", "failed", 10_000, reason: "the provider did not answer within 10 s"
        ),
        step("verify", "credential.verify", "running", 20_000),
        step("disable", "credential.disable", "unknown"),
      ],
      "waiting": [
        [
          "step": "call", "for": "manual", "since": ago(30), "until": nil,
          "prompt": "Call the owner of the bot.",
        ]
      ],
      "next": [
        "text": "Step verify is under way; if no runner works on it, resume",
        "command": "staunch resume run-d001",
      ],
      "undelivered": 0, "undelivered_messages": [], "timeline": [], "places": [], "notes": [], "locks": [],
    ]
  }

  private var closed: JSONValue {
    [
      "id": "inc-0001", "codename": "copper-finch", "kind": "slack_token", "severity": "sev3",
      "state": "closed",
      "drill": false, "detected": ago(900_000), "since_detection_ms": 900_000_000,
      "credentials": [
        [
          "id": "bot", "subject": "leaked", "state": "dead", "probed": ago(860_000), "proven": ago(860_000),
          "code": "token_revoked",
        ]
      ],
      "run": nil, "plan": nil, "step": nil, "steps": [], "waiting": [],
      "next": ["text": "Nothing: the incident is closed", "command": nil],
      "undelivered": 0, "undelivered_messages": [], "timeline": [], "places": [], "notes": [], "locks": [],
    ]
  }

  private func effect(
    _ step: String, _ title: String, _ action: String, _ effect: String, will: String, target: String,
    affected: [JSONValue] = [], unknown: [JSONValue] = [], gate: String? = nil
  ) -> JSONValue {
    var members: [String: JSONValue] = [
      "step": .string(step), "kind": "effect", "certainty": "will", "title": .string(title),
      "action": .string(action), "effect": .string(effect),
      "plan": [
        "will": .string(will), "target": .string(target), "preconditions": ["role can log in": true],
        "reversible": .boolean(effect != "irreversible"), "affected": .array(affected),
        "cannot_predict": .array(unknown),
      ],
    ]
    if let gate { members["gate"] = .string(gate) }
    return .object(members)
  }

  public var plan: JSONValue {
    [
      "schema": 1, "id": "plan-7k2m", "digest": .string(BoardFixture.planDigest), "created": ago(1490),
      "run": nil,
      "incident": "inc-4t8a", "playbook": "database-password", "pins": [:], "inputs": [:],
      "locks": ["credential/orders-db"],
      "steps": [
        [
          "step": "inspect", "kind": "read", "certainty": "will", "title": "Who uses it",
          "action": "credential.inspect",
          "effect": "read", "answer": "3 sessions, 2 consumers",
        ],
        effect(
          "issue", "New password", "credential.issue", "reversible",
          will: "create login orders_b with the same grants",
          target: "PostgreSQL db1.internal:5432/orders", affected: ["nobody yet"]),
        effect(
          "store-new", "Store it", "store.write", "reversible", will: "write a new version of the secret",
          target: "vault/kv/orders/db"),
        effect(
          "roll-out", "Roll out", "consumer.reload", "reversible", will: "reload the pods one by one",
          target: "kubernetes/orders-api", affected: ["orders-api", "orders-worker"],
          unknown: ["how long a request in flight holds its old connection"]),
        effect(
          "disable-old", "Disable the old login", "credential.disable", "irreversible",
          will: "ALTER ROLE orders_a NOLOGIN, then end its sessions", target: "orders-db",
          affected: ["whoever still uses orders_a"], gate: "responder"),
        effect(
          "scrub", "Rewrite the history", "history.rewrite", "irreversible",
          will: "rewrite 212 commits in 2 repositories and force-push 9 refs",
          target: "shop/orders, shop/orders-legacy",
          affected: ["every open pull request", "every clone"], unknown: ["forks that nobody told us of"],
          gate: "2 × repository-admin, responder"),
        effect(
          "tell", "Tell people", "ticket.update", "notify", will: "update the ticket and the channel",
          target: "pagerduty, jira/SEC"),
      ],
    ]
  }

  public var secondPlan: JSONValue {
    [
      "schema": 1, "id": "plan-9xqd", "digest": "77aa", "created": ago(330), "run": nil,
      "incident": "inc-9xqd",
      "playbook": "openai-api-key", "pins": [:], "inputs": [:], "locks": [],
      "steps": [
        effect(
          "delete-old", "Delete the key", "credential.delete", "irreversible",
          will: "delete the key at the provider",
          target: "openai/ml-eval", affected: ["eval jobs"])
      ],
    ]
  }

  public var outbox: JSONValue {
    [
      "schema": 1,
      "messages": [
        [
          "id": "msg-71", "tracker": "pagerduty", "incident": "inc-4t8a", "event": "contained",
          "state": "unknown",
          "attempts": 3, "next": ago(-60), "remote": nil,
          "reason": "the connection broke after the request was sent",
        ],
        [
          "id": "msg-64", "tracker": "jira", "incident": "inc-4t8a", "event": "opened", "state": "sent",
          "attempts": 1,
          "next": ago(1400), "remote": "SEC-1207", "reason": nil,
        ],
      ],
    ]
  }

  public var postMortem: JSONValue {
    [
      "markdown":
        "# Post-mortem of slate-orchard\n\n## 1. Summary\n\nA deploy key stood in a public repository for 5 h 12 min.\n",
      "html": """
      <!doctype html><html lang="en"><head><meta charset="utf-8"><title>Post-mortem of slate-orchard</title><style>h1 { font-size: 2rem; }</style></head><body><main><h1>Post-mortem of slate-orchard</h1></main></body></html>
      """,
    ]
  }
}
