import BuiltinContent
import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import PlaybookTools
import Playbooks
import Secrets
import TestSupport
import Testing

/// Every built-in provider file against the exchanges beside it, over libcurl and a loopback server. The exchanges were
/// written from the documentation whose address stands in each: they show what we send and how we read an answer, not how the
/// vendor behaves.
@Suite struct DescribedProviderExchangeTests {
  private static let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let kinds = DescribedProviders.builtin.kinds

  @Test func `there are sixty kinds, and each has its exchanges and what it needs`() throws {
    #expect(Self.kinds.count >= 60)
    for kind in Self.kinds { #expect(try DescribedProviders.builtin[kind]?.kind == kind) }
    for file in BuiltinContent.providers {
      #expect(file.text.contains("\nseen: "), "\(file.path) says what it was compared with")
      let name = "playbooks/providers/tests/" + (file.path as NSString).lastPathComponent
      let exchange = ProviderLinter.File(
        name: name, bytes: Array(try Data(contentsOf: Self.top.appending(path: name))))
      #expect(ProviderLinter.lint(.init(name: file.path, bytes: file.bytes), exchange: exchange) == [])
    }
  }

  @Test(arguments: kinds)
  func `each recorded answer gives its verdict, and no secret stands in an address`(_ kind: String)
    async throws
  {
    let played = try Played(kind, in: Self.top)
    for recorded in played.exchange.cases where recorded.verb == .verify {
      let (server, provider) = try played.world(answering: recorded)
      let probe = try await provider.verify(played.secret, ref: nil)
      switch recorded.verdict {
      case .alive?: #expect(probe.state == .alive, "\(recorded.position): \(probe)")
      case .dead?: #expect(probe.state == .dead, "\(recorded.position): \(probe)")
      case .refused?:
        #expect(probe.state == .dead, "\(recorded.position): \(probe)")
        #expect((probe.evidence?.controls ?? 0) > 0, "a refusal counts beside another one that is accepted")
        try await played.refusesWithoutControl(recorded)
      case .unknown?, nil: #expect(probe.state == .unknown, "\(recorded.position): \(probe)")
      }
      #expect(server.requests.contains { played.isMeant($0, recorded) }, "it asks \(recorded.asks)")
      #expect(!server.requests.contains { played.shows(.leaked, inAddressOf: $0) })
      #expect(!probe.code.contains(played.exchange.secret))
    }
  }

  @Test(arguments: kinds)
  func `a living one is identified, and the recorded changes are made`(_ kind: String) async throws {
    let played = try Played(kind, in: Self.top)
    let alive = try #require(played.exchange.cases.first { $0.verdict == .alive })
    let (server, provider) = try played.world(answering: alive)
    let leak = Leak(played.secret)
    if let id = alive.id {
      #expect(try await provider.identify(leak).identity.rawValue == id)
    }
    let ref = CredentialRef(alive.id ?? "the-id")
    for change in played.exchange.cases {
      switch change.verb {
      case .disable:
        try await provider.disable(ref, leak: leak, replacedBy: nil, under: .forTests())
      case .delete: try await provider.delete(ref, under: .forTests())
      case .issue:
        let issued = try await provider.issue(
          IssueOrder(marker: "it", generated: try provider.generate(), replacing: leak), under: .forTests())
        #expect(issued.ref.rawValue == change.id)
        #expect(!issued.secret.isEmpty && !issued.secret.isSame(as: played.secret))
      case .verify, .identify, .list, .inspect, .rights, .sessions, .successors, .reach, .token: continue
      }
      #expect(server.requests.contains { played.isMeant($0, change) }, "it asks \(change.asks)")
    }
    #expect(!server.requests.contains { played.shows(.leaked, inAddressOf: $0) })
    #expect(!server.requests.contains { played.shows(.runner, inAddressOf: $0) })
  }
}

/// One provider file, its exchanges, and a server that answers as they say.
private struct Played {
  enum Who: String { case leaked, runner, control }

  let description: ProviderDescription
  let exchange: ProviderExchange
  var secret: Secret { Secret(exchange.secret) }
  private static let control = "control-of-the-same-kind-0123456789"
  private static let runner = "runners-own-credential-0123456789"

  init(_ kind: String, in top: URL) throws {
    description = try #require(DescribedProviders.builtin[kind])
    let name = "playbooks/providers/tests/\(kind).yaml"
    exchange = try ProviderExchange.load(
      source: try String(contentsOf: top.appending(path: name), encoding: .utf8), file: name)
  }

  func world(answering recorded: ProviderExchange.Case, hasControl: Bool = true) throws -> (
    LoopbackServer, any CredentialProvider
  ) {
    let alive = exchange.cases.first { $0.verdict == .alive }
    let others = exchange.cases.filter { $0.verb != .verify && $0.verb != .token }
    let token = exchange.cases.first { $0.verb == .token }
    let server = try LoopbackServer { request in
      if isMeant(request, recorded) {
        let isOther = who(request) != .leaked
        if isOther, let token, who(request) == .runner { return Self.reply(token) }
        return Self.reply(isOther ? alive ?? recorded : recorded)
      }
      return others.first { isMeant(request, $0) }.map(Self.reply) ?? .json(404, "{}")
    }
    return (server, try provider(at: server, hasControl: hasControl))
  }

  /// A file whose control is the runner's own always has one.
  func refusesWithoutControl(_ recorded: ProviderExchange.Case) async throws {
    guard !description.verify.isControlledByRunner else { return }
    let (server, provider) = try world(answering: recorded, hasControl: false)
    let probe = try await provider.verify(secret, ref: nil)
    withExtendedLifetime(server) {}
    #expect(probe.state == .unknown && probe.isRefused, "\(recorded.position): \(probe)")
  }

  private func provider(at server: LoopbackServer, hasControl: Bool) throws -> any CredentialProvider {
    var settings = exchange.settings.mapValues(JSONValue.string)
    for setting in description.settings where setting.isSecretReference {
      settings[setting.key] = "env:RUNNER"
    }
    settings["base_url"] = .string(server.url)
    if hasControl { settings["control"] = "env:CONTROL" }
    return try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "the-entry", kind: description.kind, settings: settings, position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(),
        secrets: ["env:RUNNER": Secret(Self.runner), "env:CONTROL": Secret(Self.control)]))
  }

  func isMeant(_ request: LoopbackServer.Request, _ recorded: ProviderExchange.Case) -> Bool {
    let path = request.path.removingPercentEncoding ?? request.path
    return "\(request.method) \(path)" == recorded.asks.removingPercentEncoding
  }

  func shows(_ who: Who, inAddressOf request: LoopbackServer.Request) -> Bool {
    request.target.contains(who == .leaked ? exchange.secret : Self.runner)
  }

  /// Whose credential a request shows: in a header, in a basic login or in its body.
  private func who(_ request: LoopbackServer.Request) -> Who {
    var text = request.headers.values.joined(separator: " ") + String(decoding: request.body, as: UTF8.self)
    if let login = request.headers["authorization"], login.hasPrefix("Basic "),
      let data = Data(base64Encoded: String(login.dropFirst("Basic ".count)))
    {
      text += String(decoding: data, as: UTF8.self)
    }
    if text.contains(Self.control) { return .control }
    return text.contains(Self.runner) ? .runner : .leaked
  }

  private static func reply(_ recorded: ProviderExchange.Case) -> LoopbackServer.Reply {
    let text = recorded.answer.body == .null ? "" : recorded.answer.body.canonicalText
    return .json(recorded.answer.status, text, headers: recorded.answer.headers)
  }
}
