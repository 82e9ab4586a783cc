import Foundation
import Inbox
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// The built worker and the exchange file that it shares with the public endpoint.
@Suite struct WorkerTests {
  /// An installation whose endpoint is played by the test: it holds the public key alone.
  private struct Post {
    let root: TemporaryDirectory
    let binary: StaunchBinary
    let inbox: Inbox
    var exchange: String { root.path("home/state/exchange") }

    init(_ configuration: String = "staunch: 1\n") async throws {
      root = try TemporaryDirectory()
      try FileManager.default.createDirectory(atPath: root.path("home"), withIntermediateDirectories: true)
      try configuration.write(toFile: root.path("staunch.yaml"), atomically: true, encoding: .utf8)
      binary = StaunchBinary(home: root.path("home"), workingDirectory: root.path)
      // The first round writes the public key.
      let first = try await binary.run(["work", "--once"])
      try #require(first.status == 0, "\(first.errors)")
      let published = try String(contentsOfFile: root.path("home/state/exchange/inbox.pub"), encoding: .utf8)
      inbox = try Inbox.open(
        path: root.path("home/state/exchange/exchange.sqlite"), sealingTo: InboxPublicKey(text: published))
    }

    func deliver(_ body: String, id: String) async throws -> Acceptance {
      try await inbox.append(
        NewDelivery(
          route: "/reports", source: "report", id: id, isIDSigned: true, bodyDigest: id, receivedAt: Date(),
          body: Array(body.utf8)))
    }

    func events() async throws -> String { try await binary.run(["journal", "export"]).output }
  }

  private static func report(_ names: [String], validity: String = "not_checked") -> String {
    let findings = names.map { name in
      #"{"kind":"openai_api_key","value":"\#(FakeSecrets.value("openai_api_key", name))","#
        + #""repository":"acme/app","path":"a.py","line":1,"validity":"\#(validity)"}"#
    }
    return #"{"schema":"staunch.findings/1","findings":[\#(findings.joined(separator: ","))]}"#
  }

  @Test func `a delivery becomes one incident on the board, and the same secret again no second one`()
    async throws
  {
    let post = try await Post()
    #expect(try await post.deliver(Self.report(["one"]), id: "1") != .duplicate)
    #expect(try await post.deliver(Self.report(["one"]), id: "1") == .duplicate)
    #expect(try await post.deliver(Self.report(["one"]), id: "2") != .duplicate)
    let worked = try await post.binary.run(["work", "--once"])
    #expect(worked.status == 0, "\(worked.errors)")
    let counts = try post.inbox.counts()
    #expect(counts.pending == 0 && counts.done == 2 && counts.failed == 0, "\(counts)")
    let board = try post.inbox.documents(kind: "incident")
    #expect(board.count == 1)
    #expect(board.first?.document["kind"]?.string == "openai_api_key")
    let version = try post.inbox.boardVersion()
    #expect(try await post.binary.run(["work", "--once"]).status == 0)
    #expect(try post.inbox.boardVersion() == version, "nothing changed, so the board does not")
    let secret = FakeSecrets.value("openai_api_key", "one")
    #expect(!board.map(\.document.canonicalText).joined().contains(secret))
    #expect(!(worked.output + worked.errors).contains(secret))
  }

  @Test func `a worker killed between journal and exchange takes the delivery in again and changes nothing`()
    async throws
  {
    let post = try await Post()
    _ = try await post.deliver(Self.report(["one"]), id: "1")
    let killed = try await post.binary.run(["work", "--once"], environment: ["STAUNCH_CRASH_AT": "1"])
    #expect(killed.status == -9)
    #expect(try post.inbox.counts().pending == 1)
    let before = try await post.events()
    #expect(before.contains("incident.opened"))
    #expect(try await post.binary.run(["work", "--once"]).status == 0)
    let counts = try post.inbox.counts()
    #expect(counts.pending == 0 && counts.done == 1 && counts.failed == 0, "\(counts)")
    let after = try await post.events()
    #expect(
      after.components(separatedBy: "incident.").count == before.components(separatedBy: "incident.").count)
  }

  @Test func `a worker killed between journal and exchange tells people of the incident once`() async throws {
    // Nobody listens there: what counts is what is queued.
    let post = try await Post(
      """
      staunch: 1
      trackers:
        security: {kind: standard-webhooks, url: "http://127.0.0.1:9/hook", secret: env:HOME}
      routes:
        - {playbook: generic-secret, tracker: security}
      """)
    _ = try await post.deliver(Self.report(["one"], validity: "active"), id: "1")
    let killed = try await post.binary.run(["work", "--once"], environment: ["STAUNCH_CRASH_AT": "1"])
    #expect(killed.status == -9)
    let before = try await post.events()
    #expect(before.contains("incident.opened"))
    #expect(!before.contains("incident.detected"))
    for _ in 1...2 { #expect(try await post.binary.run(["work", "--once"]).status == 0) }
    let lines = try await post.events().split(separator: "\n")
    // A message that could not be sent is queued again, under the number of its attempt.
    let queued = lines.filter { $0.contains("incident.detected") && $0.contains("\"attempt\":0") }
    #expect(queued.count == 1, "\(queued.joined(separator: "\n"))")
  }

  @Test func `more new secrets than the storm's number hold every start until a person has looked`()
    async throws
  {
    let post = try await Post("staunch: 1\npolicy: {storm: {in_delivery: 3}}\n")
    _ = try await post.deliver(Self.report((1...4).map(String.init)), id: "1")
    #expect(try await post.binary.run(["work", "--once"]).status == 0)
    #expect(try post.inbox.document(kind: "storm", id: "current") != nil)
    #expect(try post.inbox.documents(kind: "incident").count == 4)
    let released = try await post.binary.run(["work", "--release-storm", "a scanner's mistake"])
    #expect(released.status == 0, "\(released.errors)")
    #expect(try await post.binary.run(["work", "--once"]).status == 0)
    #expect(try post.inbox.document(kind: "storm", id: "current") == nil)
  }

  @Test func `an approval from the console without a trusted signature approves nothing`() async throws {
    let post = try await Post()
    let number = try await post.inbox.append(
      NewDecision(
        at: Date(), person: "mallory", roles: ["responder"], kind: .approve, plan: "plan-1", via: .password))
    #expect(try await post.binary.run(["work", "--once"]).status == 0)
    #expect(try post.inbox.outcome(ofDecision: number)?.hasPrefix("refused") == true)
    #expect(!(try await post.events()).contains("plan.approved"))
  }
}
