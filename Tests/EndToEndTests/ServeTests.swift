import Foundation
import Inbox
import JSON
import Secrets
import TestSupport
import Testing

/// `staunch serve` with both built programs: deliveries over HTTP become incidents and plans in the journal.
@Suite struct ServeTests {
  /// An installation with an endpoint.
  private struct Site {
    let root: TemporaryDirectory
    let binary: StaunchBinary
    let hookKey = "hook" + "-" + UUID().uuidString
    let token = "upload" + "-" + UUID().uuidString
    var state: String { root.path("home/state") }

    /// - Parameter platform: a mock of GitHub's API that knows acme/app.
    init(platform: SecretScanningSimulation? = nil) throws {
      root = try TemporaryDirectory()
      try FileManager.default.createDirectory(atPath: root.path("home"), withIntermediateDirectories: true)
      try token.write(toFile: root.path("token"), atomically: true, encoding: .utf8)
      var sources = "[]"
      if let platform {
        try platform.token.write(toFile: root.path("github"), atomically: true, encoding: .utf8)
        sources =
          "[{kind: github, base_url: \"\(platform.url)\", token: \"file:\(root.path("github"))\", "
          + "repositories: [acme/app]}]"
      }
      try """
      staunch: 1
      sources: \(sources)
      receiver:
        listen: 127.0.0.1:0
        routes:
          - {path: /hooks/github, kind: github, keys: [env:HOOK_KEY]}
          - {path: /reports, kind: report, tokens: ["file:\(root.path("token"))"]}
      trackers:
        security: {kind: standard-webhooks, url: "http://127.0.0.1:9/hook", secret: env:HOOK_KEY}
      routes:
        - {playbook: generic-secret, tracker: security}
      policy: {critical_kinds: [openai_api_key]}
      """.write(toFile: root.path("staunch.yaml"), atomically: true, encoding: .utf8)
      binary = StaunchBinary(home: root.path("home"), workingDirectory: root.path)
    }

    func serve(_ environment: [String: String] = [:]) throws -> ServingStaunch {
      try ServingStaunch(
        binary, environment: environment.merging(["HOOK_KEY": hookKey]) { own, _ in own })
    }

    /// The endpoint's process.
    func receiver() throws -> Int32 {
      let text = try String(contentsOfFile: state + "/receiver.lock", encoding: .utf8)
      return try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// How often `kind` stands in the journal.
    func count(_ kind: String) async throws -> Int {
      let exported = try await binary.run(["journal", "export"])
      return exported.output.components(separatedBy: "\"\(kind)\"").count - 1
    }
  }

  private static func report(_ name: String) -> String {
    #"{"schema":"staunch.findings/1","findings":[{"kind":"openai_api_key","value":"#
      + #""\#(FakeSecrets.value("openai_api_key", name))","repository":"acme/app","path":"a.py","line":1}]}"#
  }

  private static func alert(_ number: Int, action: String = "created") -> String {
    #"{"action":"\#(action)","alert":{"number":\#(number),"secret_type":"openai_api_key"},"#
      + #""repository":{"id":42,"full_name":"acme/app"}}"#
  }

  @Test func `a signed alert and an uploaded report become incidents, the report's with a plan`() async throws
  {
    let site = try Site()
    let serving = try site.serve()
    let sender = Sender(base: try await serving.ready())
    #expect(try await sender.github(Self.alert(7), delivery: "d-1", key: site.hookKey) == 202)
    try await serving.line(with: "(1 new)")
    #expect(try await sender.report(Self.report("one"), token: site.token) == 202)
    try await serving.line(with: "planned plan-")
    #expect(try await site.count("incident.opened") == 2)
    #expect(try await site.count("plan.saved") == 1)
    // The same delivery again, and the same alert in another delivery.
    #expect(try await sender.github(Self.alert(7), delivery: "d-1", key: site.hookKey) == 202)
    #expect(try await sender.github(Self.alert(7), delivery: "d-2", key: site.hookKey) == 202)
    #expect(
      try await sender.github(Self.alert(7, action: "validated"), delivery: "d-3", key: site.hookKey) == 202)
    try await serving.line(with: "(0 new)")
    #expect(try await site.count("incident.opened") == 2)
    #expect(try await sender.github(Self.alert(8), delivery: "d-4", key: "another key") == 401)
    #expect(try await sender.report(Self.report("two"), token: "another token") == 401)
    #expect(try await serving.stop() == 0)
    #expect(serving.said.contains("stopped: the endpoint has ended"))
    #expect(try await site.count("incident.opened") == 2)
  }

  @Test
  func
    `an alert's secret is fetched, and the alert has its plan; the same secret by report has no second one`()
    async throws
  {
    let platform = try SecretScanningSimulation(["acme/app": 42])
    platform.put(
      SecretScanningSimulation.Alert(
        type: "openai_api_key", secret: FakeSecrets.value("openai_api_key", "fetched"),
        paths: ["a.py", "b.py"]),
      7, in: "acme/app")
    let site = try Site(platform: platform)
    let serving = try site.serve()
    let sender = Sender(base: try await serving.ready())
    // Found by the first reconciliation already, before any message.
    try await serving.line(with: "planned plan-")
    #expect(try await sender.github(Self.alert(7), delivery: "d-1", key: site.hookKey) == 202)
    try await serving.line(with: "(0 new)")
    #expect(try await sender.report(Self.report("fetched"), token: site.token) == 202)
    try await serving.line(with: "(0 new)")
    #expect(try await serving.stop() == 0)
    #expect(try await site.count("incident.opened") == 1)
    #expect(try await site.count("plan.saved") == 1)
    let canary = Canary([
      "leak": FakeSecrets.value("openai_api_key", "fetched"), "token": platform.token,
    ])
    var hits = try canary.hits(below: site.state)
    hits += canary.hits(in: serving.said, place: "output")
    #expect(hits.isEmpty, "\(hits)")
  }

  @Test func `doctor lets the endpoint itself judge its settings, and asks the sources`() async throws {
    let platform = try SecretScanningSimulation(["acme/app": 42])
    let site = try Site(platform: platform)
    let well = try await site.binary.run(["doctor"], environment: ["HOOK_KEY": site.hookKey])
    #expect(well.output.contains("receiver  settings and secrets are complete: 2 routes"), "\(well.output)")
    #expect(well.output.contains("acme/app  0 open alerts"), "\(well.output)")
    platform.refuse(403)
    let broken = try await site.binary.run(["doctor"])
    #expect(broken.status == 1)
    #expect(broken.output.contains("BAD  receiver  "), "\(broken.output)")
    #expect(broken.output.contains("export HOOK_KEY"), "\(broken.output)")
    #expect(broken.output.contains("Secret scanning alerts"), "\(broken.output)")
  }

  @Test func `secrets stand in no argument, environment, file of the exchange or output`() async throws {
    let site = try Site()
    let serving = try site.serve()
    let sender = Sender(base: try await serving.ready())
    #expect(try await sender.report(Self.report("canary"), token: site.token) == 202)
    try await serving.line(with: "planned plan-")
    let canary = Canary([
      "hook key": site.hookKey, "token": site.token,
      "leak": FakeSecrets.value("openai_api_key", "canary"),
    ])
    let receiver = try site.receiver()
    var hits: [Canary.Hit] = []
    for place in ["/proc/\(receiver)/cmdline", "/proc/\(receiver)/environ", "/proc/\(serving.pid)/cmdline"] {
      let bytes = try #require(FileManager.default.contents(atPath: place))
      hits += canary.hits(in: bytes, place: place)
    }
    // The endpoint has the exchange file, its own descriptors and nothing of ours.
    let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(receiver)/fd").compactMap {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(receiver)/fd/\($0)")  // may be gone
    }
    #expect(!open.contains { $0.contains("journal.sqlite") || $0.hasSuffix(".key") }, "\(open)")
    #expect(open.contains { $0.hasSuffix("exchange.sqlite") })
    #expect(try await serving.stop() == 0)
    hits += try canary.hits(below: site.state)
    hits += canary.hits(in: serving.said, place: "output")
    #expect(hits.isEmpty, "\(hits)")
    let mode =
      try FileManager.default.attributesOfItem(atPath: site.state + "/exchange/receiver.json")[
        .posixPermissions] as? Int
    #expect(mode == 0o640)
  }

  @Test func `an endpoint that is killed is started again and loses nothing`() async throws {
    let site = try Site()
    let serving = try site.serve()
    var sender = Sender(base: try await serving.ready())
    #expect(try await sender.report(Self.report("before"), token: site.token) == 202)
    kill(try site.receiver(), SIGKILL)
    try await serving.line(with: "the endpoint ended with signal 9; it is started again now")
    sender = Sender(base: try await serving.ready())
    #expect(try await sender.report(Self.report("after"), token: site.token) == 202)
    for _ in ["before", "after"] { try await serving.line(with: "planned plan-") }
    #expect(try await serving.stop() == 0)
    #expect(try await site.count("incident.opened") == 2)
    #expect(try await site.count("plan.saved") == 2)
  }

  @Test func `a worker that is killed leaves an endpoint that goes on storing, and the next one takes over`()
    async throws
  {
    let site = try Site()
    // Killed between the journal and the exchange file, while it takes in the first delivery.
    let first = try site.serve(["STAUNCH_CRASH_AT": "1"])
    let sender = Sender(base: try await first.ready())
    #expect(try await sender.report(Self.report("one"), token: site.token) == 202)
    try await first.ended()
    let orphan = try site.receiver()
    #expect(
      try await sender.report(Self.report("two"), token: site.token) == 202, "the endpoint still stores")
    let second = try site.serve()
    try await second.line(with: "process \(orphan)); it is ended first")
    _ = try await second.ready()
    #expect(try site.receiver() != orphan)
    try await second.line(with: "planned plan-")
    try await second.line(with: "planned plan-")
    #expect(try await second.stop() == 0)
    #expect(try await site.count("incident.opened") == 2)
    #expect(try await site.count("plan.saved") == 2)
  }

  @Test func `a second worker is refused while one works`() async throws {
    let site = try Site()
    let serving = try site.serve()
    _ = try await serving.ready()
    for command in [["work", "--once"], ["serve"]] {
      let refused = try await site.binary.run(command, environment: ["HOOK_KEY": site.hookKey])
      #expect(refused.status == 69)
      #expect(refused.errors.contains("process \(serving.pid) works on"), "\(refused.errors)")
      #expect(refused.errors.contains("fix:"))
    }
    #expect(try await serving.stop() == 0)
    let worked = try await site.binary.run(["work", "--once"], environment: ["HOOK_KEY": site.hookKey])
    #expect(worked.status == 0, "\(worked.errors)")
  }

  @Test func `settings that the endpoint refuses, and a missing secret, end the start with a way out`()
    async throws
  {
    let site = try Site()
    let missing = try await site.binary.run(["serve"])
    #expect(missing.status == 78)
    #expect(missing.errors.contains("receiver.routes[0].keys[0]"), "\(missing.errors)")
    #expect(missing.errors.contains("export HOOK_KEY"))
    let outside = try await site.binary.run(
      ["serve", "--listen", "0.0.0.0:0"], environment: ["HOOK_KEY": site.hookKey])
    #expect(outside.status == 78)
    #expect(outside.errors.contains("is not loopback"), "\(outside.errors)")
    #expect(outside.errors.contains("staunch doctor"))
    try "staunch: 1\n".write(toFile: site.root.path("bare.yaml"), atomically: true, encoding: .utf8)
    let bare = try await site.binary.run(["serve", "--config", site.root.path("bare.yaml")])
    #expect(bare.status == 78)
    #expect(bare.errors.contains("no section receiver:"))
  }
}
