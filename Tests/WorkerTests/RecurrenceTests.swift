import Capabilities
import Foundation
import Inbox
import Incidents
import JSON
import PostMortems
import Journal
import ResponseSupport
import TestSupport
import Testing

@testable import Response
@testable import Worker

/// What a secret that is known already does when it is reported again.
@Suite struct RecurrenceTests {
  private static let secret = FakeSecrets.value("openai_api_key", "again")

  private static func finding(_ path: String, repository: String = "acme/app") -> JSONValue {
    [
      "schema": "staunch.findings/1",
      "findings": [
        [
          "kind": "openai_api_key", "value": .string(secret), "repository": .string(repository),
          "path": .string(path), "line": 1,
        ]
      ],
    ]
  }

  /// As gitleaks reports a commit.
  private static func committed(_ path: String, at date: String) -> JSONValue {
    [
      [
        "RuleID": "openai-api-key", "Description": "OpenAI", "StartLine": 1, "EndLine": 1, "StartColumn": 1,
        "EndColumn": 9, "Match": .string(secret), "Secret": .string(secret), "File": .string(path),
        "SymlinkFile": "", "Commit": .string(String(repeating: "a", count: 40)), "Entropy": 5,
        "Author": "Dev",
        "Email": "d@acme.example", "Date": .string(date), "Message": "m", "Tags": [],
        "Fingerprint": .string("a:\(path):openai-api-key:1"),
      ]
    ]
  }

  private static func rig(_ more: String = "", in directory: TemporaryDirectory? = nil) throws
    -> (LoopbackServer, WorkerRig)
  {
    let directory = try directory ?? TemporaryDirectory()
    let sink = try LoopbackServer { _ in .json(200, "{}") }
    try "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".write(
      toFile: directory.path("hook"), atomically: true, encoding: .utf8)
    let rig = try WorkerRig(
      """
      trackers:
        security: {kind: standard-webhooks, url: "\(sink.url)/hook", secret: "file:DIR/hook"}
      routes:
        - {playbook: generic-secret, tracker: security}
      policy: {critical_kinds: [openai_api_key]}
      \(more)
      """, in: directory)
    return (sink, rig)
  }

  @Test
  func `after the incident was closed, a known place is history and a new one opens it again and pages once`()
    async throws
  {
    let (sink, rig) = try Self.rig()
    _ = try await rig.deliver(Self.finding("a.py"), id: "1")
    try await rig.work()
    let incident = try #require(try rig.incidents().first)
    try rig.installation.journal.append(
      .incidentState, incident: incident, ["state": "closed", "reason": "done"])
    let closed = try rig.installation.journal.head().sequence
    _ = try await rig.deliver(Self.finding("a.py"), id: "2")
    try await rig.work()
    #expect(try rig.installation.journal.head().sequence == closed, "nothing is new")
    // Committed before the closing: an old place that a scanner finds only now.
    _ = try await rig.deliver(Self.committed("old.py", at: "2020-01-01T00:00:00Z"), id: "3")
    try await rig.work()
    #expect(try rig.installation.journal.head().sequence == closed)
    _ = try await rig.deliver(Self.finding("new.py"), id: "4")
    _ = try await rig.deliver(Self.finding("newer.py"), id: "5")
    try await rig.work()
    #expect(try rig.incidents() == [incident])
    let states = try rig.events([.incidentState]).map { $0.body["state"]?.string }
    #expect(states == ["closed", "open"])
    #expect(try rig.plans() == 2, "it is planned anew")
    let pages = sink.requests.compactMap { try? JSONValue(parsing: $0.body) }  // no JSON would be no page
    #expect(pages.map { $0["type"]?.string } == ["incident.detected", "incident.updated"])
    #expect(pages.last?["data"]?["title"]?.string == "An incident is open again")
    sink.stop()
  }

  @Test func `places that come too late get a plan that cleans history, never a second rotation`()
    async throws
  {
    let directory = try TemporaryDirectory()
    for name in ["app", "lib"] {
      try FileManager.default.createDirectory(
        atPath: directory.path(name), withIntermediateDirectories: true)
      for arguments in [
        ["init", "-q", "-b", "main"],
        [
          "-c", "user.name=D", "-c", "user.email=d@acme.example", "commit", "-q", "--allow-empty", "-m",
          "Begin",
        ],
      ] {
        try await Program.run(["git"] + arguments, in: directory.path(name))
      }
    }
    let (sink, rig) = try Self.rig(
      """
      repositories:
        app: {path: app, aliases: [acme/app]}
        lib: {path: lib, aliases: [acme/lib]}
      """, in: directory)
    _ = try await rig.deliver(Self.finding("a.py"), id: "1")
    try await rig.work()
    func playbooks() throws -> [String] {
      try rig.events([.planSaved]).compactMap { $0.body["playbook"]?.string }
    }
    #expect(try playbooks() == ["generic-secret"])
    // In the repository that the plan cleans anyway: nothing more.
    _ = try await rig.deliver(Self.finding("b.py"), id: "2")
    try await rig.work()
    #expect(try playbooks() == ["generic-secret"])
    // In another one: history only.
    _ = try await rig.deliver(Self.finding("c.py", repository: "acme/lib"), id: "3")
    try await rig.work()
    try await rig.work()
    #expect(try playbooks() == ["generic-secret", "clean-history"])
    // In the first one, after its history was cleaned.
    let saved = try #require(try rig.events([.planSaved]).first)
    let run = try #require(saved.body["run"]?.string)
    try rig.installation.journal.append(
      .stepOutcome, run: RunID(run), incident: saved.incident,
      [
        "step": "rewrite", "item": 0, "attempt": 1, "action": "history.rewrite", "phase": "perform",
        "outputs": [:],
      ])
    try await rig.work()
    #expect(try playbooks() == ["generic-secret", "clean-history"], "what was known then is clean")
    _ = try await rig.deliver(Self.finding("d.py"), id: "4")
    try await rig.work()
    #expect(try playbooks() == ["generic-secret", "clean-history", "clean-history"])
    #expect(try rig.incidents().count == 1)
    sink.stop()
  }

  @Test
  func `a secret in tens of thousands of places does not stop the worker, and the page shows some of them`()
    async throws
  {
    let (sink, rig) = try Self.rig()
    _ = try await rig.deliver(Self.finding("a.py"), id: "1")
    try await rig.work()
    let incident = try #require(try rig.incidents().first)
    let body = try #require(try rig.events([.incidentOpened]).first?.body.object)
    for delivery in 0..<6 {
      let places = (0..<5000).map { number -> JSONValue in
        [
          "key": .string("\(delivery)-\(number)"), "path": .string("src/\(number).py"), "line": 7,
          "column": 3,
          "encoding": "plain",
          "source": "gitleaks", "repository": ["name": "acme/app", "host": "git.acme.example"],
        ]
      }
      var more = body
      more["locations"] = .array(places)
      try rig.installation.journal.append(.incidentUpdated, incident: incident, .object(more))
    }
    try await rig.work()
    let document = try #require(try rig.inbox.document(kind: "incident", id: incident.rawValue)?.document)
    #expect(document["places"]?.array?.count == 500)
    #expect(document["places_count"]?.integer == 30_001)
    sink.stop()
  }

  @Test func `the board counts incidents, messages and calls as the endpoint reads them`() async throws {
    let (sink, rig) = try Self.rig()
    _ = try await rig.deliver(Self.finding("a.py"), id: "1")
    try await rig.work()
    let incident = try #require(try rig.incidents().first)
    let run: RunID = "run-1"
    let begun: JSONValue = ["step": "s", "attempt": 1, "action": "credential.issue", "phase": "perform"]
    let start = Date(timeIntervalSince1970: 1_800_000_000)
    try rig.installation.journal.append([
      NewEvent(.stepIntent, run: run, incident: incident, begun, at: start),
      NewEvent(.stepOutcome, run: run, incident: incident, begun, at: start.addingTimeInterval(3)),
      NewEvent(.stepDone, run: run, incident: incident, ["step": "s"], at: start.addingTimeInterval(4)),
    ])
    try FileManager.default.createDirectory(
      atPath: rig.directory.path("state/postmortems"), withIntermediateDirectories: true)
    let text = try rig.installation.postMortems.redraft(incident, earlier: nil).text
    try text.write(
      toFile: rig.directory.path("state/postmortems/\(incident).md"), atomically: true, encoding: .utf8)
    try await rig.work()
    let summary = try #require(try rig.inbox.document(kind: "summary", id: "all")?.document)
    #expect(summary["incidents"]?["state"]?["open"]?.integer == 1)
    #expect(summary["calls"]?["action"]?["credential"]?.integer == 1)
    #expect(summary["calls"]?["outcome"]?["done"]?.integer == 1)
    #expect(summary["step_seconds"]?["count"]?.integer == 1)
    #expect(summary["step_seconds"]?["buckets"]?["1"]?.integer == 0)
    #expect(summary["step_seconds"]?["buckets"]?["5"]?.integer == 1)
    let draft = try rig.inbox.document(kind: "postmortem", id: incident.rawValue)?.document
    #expect(draft?["markdown"]?.string == text)
    #expect(draft?["html"]?.string?.hasPrefix("<!") == true)
    sink.stop()
  }
}
