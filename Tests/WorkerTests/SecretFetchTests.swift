import Chronicle
import Foundation
import Inbox
import Incidents
import JSON
import Journal
import ResponseSupport
import TestSupport
import Testing

@testable import Response
@testable import Worker

/// GitHub's messages hold no secret: it is fetched from the (mock) REST API, and from nowhere else.
@Suite struct SecretFetchTests {
  private struct Site {
    let platform: SecretScanningSimulation
    let sink: LoopbackServer
    let rig: WorkerRig

    init(names: [String] = ["acme/app", "acme/lib"]) throws {
      let directory = try TemporaryDirectory()
      platform = try SecretScanningSimulation(["acme/app": 42, "acme/lib": 43])
      sink = try LoopbackServer { _ in .json(200, "{}") }
      try platform.token.write(toFile: directory.path("token"), atomically: true, encoding: .utf8)
      rig = try WorkerRig(
        """
        sources:
          - {kind: github, base_url: "\(platform.url)", token: "file:DIR/token", repositories: [\(names.joined(separator: ", "))]}
        trackers:
          security: {kind: standard-webhooks, url: "\(sink.url)/hook", secret: "file:DIR/token"}
        routes:
          - {playbook: generic-secret, tracker: security}
        policy: {critical_kinds: [openai_api_key]}
        """, in: directory)
    }

    func alert(_ number: Int, id: Int = 42, name: String = "acme/app", more: [String: JSONValue] = [:])
      -> JSONValue
    {
      let alert: [String: JSONValue] = ["number": .integer(number), "secret_type": "openai_api_key"]
      return [
        "action": "created", "alert": .object(alert.merging(more) { _, new in new }),
        "repository": ["id": .integer(id), "full_name": .string(name)],
      ]
    }

    func deliver(_ body: JSONValue, id: String) async throws {
      _ = try await rig.deliver(body, id: id, source: "github", route: "/hooks/github")
    }

    /// What the tracker was told, in order.
    var titles: [String] {
      sink.requests.compactMap { try? JSONValue(parsing: $0.body)["data"]?["title"]?.string }  // all are JSON
    }

    func put(
      _ number: Int, _ secret: String, paths: [String] = ["src/a.py"], in repository: String = "acme/app"
    ) {
      platform.put(
        SecretScanningSimulation.Alert(
          type: "openai_api_key", secret: FakeSecrets.value("openai_api_key", secret), paths: paths),
        number, in: repository)
    }
  }

  @Test func `an alert's secret and places are fetched, and its provisional incident is planned`()
    async throws
  {
    let site = try Site()
    site.put(7, "one", paths: ["src/a.py", "src/b.py"])
    try await site.deliver(site.alert(7), id: "d1")
    try await site.rig.work()
    let incidents = try site.rig.incidents()
    #expect(incidents.count == 1)
    let keys = IncidentLedger(journal: site.rig.installation.journal)
    try keys.refresh()
    let id = try #require(incidents.first)
    let names = Set(keys.keys.keys(of: id).map { $0.rawValue.prefix(2) })
    #expect(names.isSuperset(of: ["p:", "s:"]))
    let record = try #require(IncidentRecord.all(in: try site.rig.installation.journal.events()).first)
    let paths = record.events(.incidentUpdated).flatMap { $0.body["locations"]?.array ?? [] }
      .compactMap { $0["path"]?.string }
    #expect(Set(paths) == ["src/a.py", "src/b.py"])
    #expect(try site.rig.plans() == 1)
    let secret = FakeSecrets.value("openai_api_key", "one")
    #expect(!(try site.rig.installation.journal.events().map(\.body.canonicalText).joined().contains(secret)))
  }

  @Test func `two alerts of one secret become one incident, the older, and one plan`() async throws {
    let site = try Site()
    site.put(7, "one")
    site.put(1, "one", paths: ["lib/c.py"], in: "acme/lib")
    try await site.deliver(site.alert(7), id: "d1")
    try await site.deliver(site.alert(1, id: 43, name: "acme/lib"), id: "d2")
    try await site.rig.work()
    let opened = try site.rig.events([.incidentOpened]).compactMap(\.incident)
    #expect(opened.count == 2)
    #expect(try site.rig.incidents() == [try #require(opened.first)])
    #expect(try site.rig.plans() == 1)
    #expect(site.titles.count == 1)
    // The same secret by a scanner's report: the same incident.
    _ = try await site.rig.deliver(
      WorkerRig.report([(FakeSecrets.value("openai_api_key", "one"), "z.py")]), id: "r1")
    try await site.rig.work()
    #expect(try site.rig.incidents().count == 1)
    #expect(try site.rig.plans() == 1)
  }

  @Test func `an incident that stood on the board leaves it when it turns out to be another one`()
    async throws
  {
    let site = try Site()
    site.put(7, "one")
    try await site.deliver(site.alert(7), id: "d1")
    // GitHub does not find it yet, so the secret is asked for again later.
    try await site.deliver(site.alert(1, id: 43, name: "acme/lib"), id: "d2")
    try await site.rig.work()
    func board() throws -> [String] { try site.rig.inbox.documents(kind: "incident").map(\.id).sorted() }
    #expect(try board() == site.rig.incidents().map(\.rawValue).sorted())
    #expect(try board().count == 2)
    site.put(1, "one", paths: ["lib/c.py"], in: "acme/lib")
    site.rig.clock.advance(3601)
    try await site.rig.work()
    #expect(try board() == site.rig.incidents().map(\.rawValue))
    #expect(try board().count == 1)
  }

  @Test func `addresses and names in a payload are never followed`() async throws {
    let site = try Site(names: ["acme/app"])
    let elsewhere = try LoopbackServer { _ in .json(200, "{}") }
    site.put(7, "one")
    let evil: [String: JSONValue] = [
      "url": .string("\(elsewhere.url)/alerts/7"), "locations_url": .string("\(elsewhere.url)/locations"),
      "html_url": .string("\(elsewhere.url)/x"),
    ]
    try await site.deliver(site.alert(7, name: "../..\(elsewhere.url)/x", more: evil), id: "d1")
    // A repository that no source names, under a path that would lead elsewhere.
    try await site.deliver(site.alert(8, id: 99, name: "acme/app/../../other"), id: "d2")
    try await site.rig.work()
    #expect(elsewhere.requests.isEmpty)
    #expect(
      Set(site.platform.requests.map(\.path)) == [
        "/repos/acme/app", "/repos/acme/app/hooks", "/repos/acme/app/hooks/5/deliveries",
        "/repos/acme/app/secret-scanning/alerts", "/repos/acme/app/secret-scanning/alerts/7",
        "/repos/acme/app/secret-scanning/alerts/7/locations",
      ])
    #expect(try site.rig.plans() == 1)
    elsewhere.stop()
  }

  @Test func `a platform that cannot be reached or asks to wait is asked again, later and not before`()
    async throws
  {
    let site = try Site()
    site.put(7, "one")
    site.platform.refuse(429, headers: ["retry-after": "900"])
    try await site.deliver(site.alert(7), id: "d1")
    try await site.rig.work()
    #expect(try site.rig.plans() == 0)
    #expect(site.titles.count == 1, "people hear that its value is awaited")
    site.platform.refuse(nil)
    let asked = site.platform.requests.count
    site.rig.clock.advance(600)
    #expect(await !site.rig.worker.hasNews())
    try await site.rig.work()
    #expect(site.platform.requests.count == asked)
    site.rig.clock.advance(301)
    #expect(await site.rig.worker.hasNews())
    try await site.rig.work()
    #expect(try site.rig.plans() == 1)
    #expect(site.titles.map { $0.prefix(11) } == ["A leaked se", "A plan was "])
    site.rig.clock.advance(7200)
    try await site.rig.work()
    #expect(site.titles.filter { $0.hasPrefix("A plan was made") }.count == 1)
  }
}
