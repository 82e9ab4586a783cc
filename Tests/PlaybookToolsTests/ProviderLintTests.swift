import BuiltinContent
import Capabilities
import JSON
import PlaybookTools
import Playbooks
import Testing

/// Provider files that must not be used, each with the place of what is wrong.
@Suite struct ProviderLintTests {
  private static let good = """
    provider: 1
    kind: it
    summary: A token of it.
    documentation: [https://docs.example.org/tokens]
    privilege: none
    survives: nothing that the documentation tells of
    base_url: https://api.example.org
    settings: {account: {summary: the account}, admin: {summary: the runner's, reference: true}}
    runner: [{with: admin}]
    verify:
      get: /me
      alive: answer.status == 200 && has(answer.body.id)
      dead: answer.status == 401 && answer.body.error == "revoked"
      refused: answer.status == 401 && answer.body.error == "unknown"
      code: ${{ answer.body.error }}
    disable: {delete: "/tokens/${{ ref }}"}
    """
  private static let exchange = """
    exchange: 1
    provider: it
    source: https://docs.example.org/tokens
    cases:
      - {asks: GET /me, verdict: alive, answer: {status: 200, body: {id: 1}}}
      - {asks: GET /me, verdict: dead, answer: {status: 401, body: {error: revoked}}}
      - {asks: GET /me, verdict: refused, answer: {status: 401, body: {error: unknown}}}
      - {asks: GET /me, verdict: unknown, answer: {status: 401}}
    """

  private func lint(_ source: String, _ exchange: String? = exchange) -> [String] {
    ProviderLinter.lint(
      .init(name: "providers/it.yaml", bytes: Array(source.utf8)),
      exchange: exchange.map { .init(name: "providers/tests/it.yaml", bytes: Array($0.utf8)) }
    ).map { "\($0.rule.rawValue):\($0.position.line):\($0.position.column)" }
  }

  @Test func `a good file is silent`() { #expect(lint(Self.good) == []) }

  @Test(arguments: [
    ("documentation: [https://docs.example.org/tokens]", "", "PB201:1:1"),
    (
      "documentation: [https://docs.example.org/tokens]", "documentation: [see the wiki]", "PB201:4:17"
    ),
    ("survives: nothing that the documentation tells of", "survives: \"\"", "PB201:6:11"),
    ("base_url: https://api.example.org", "base_url: http://api.example.org", "PB204:7:11"),
    ("base_url: https://api.example.org", "base_url: https://user@api.example.org", "PB204:7:11"),
    ("get: /me", "get: //evil.example.org/me", "PB204:11:8"),
    ("get: /me", "get: /../me", "PB204:11:8"),
    ("get: /me", "get: /me?token=${{ secret }}", "PB012:11:8"),
    ("get: /me", "delete: /me", "PB204:11:11"),
    ("get: /me", "get: /me/${{ settings.admin }}", "PB008:11:16"),
    ("answer.status == 200 && has(answer.body.id)", "answer.state == 200", "PB008:12:10"),
    ("answer.status == 200 && has(answer.body.id)", "answer.status = 200", "PB007:12:24"),
    ("kind: it\n", "kind: other\n", "PB006:2:7"),
    ("[{with: admin}]", "[{with: account}]", "PB008:9:17"),
    ("disable: {delete", "disabel: {delete", "PB003:16:1"),
    ("disable: {delete", "disable: {keeps: [tags], delete", "PB017:16:18"),
  ])
  func `what is wrong is named at its place`(_ old: String, _ new: String, _ wanted: String) {
    #expect(
      lint(Self.good.replacing(old, with: new)).contains(wanted),
      "\(lint(Self.good.replacing(old, with: new)))")
  }

  @Test func `a file without exchanges is refused`() {
    #expect(lint(Self.good, nil) == ["PB202:1:1"])
    let few = Self.exchange.replacing("verdict: unknown", with: "verdict: refused").replacing(
      "answer: {status: 401}}", with: "answer: {status: 401, body: {error: unknown}}}")
    #expect(lint(Self.good, few) == ["PB202:1:1"])
  }

  @Test func `an exchange that the file reads otherwise is named at its place`() {
    let other = Self.exchange.replacing("{error: revoked}", with: "{error: unknown}")
    #expect(lint(Self.good, other) == ["PB203:6:5"])
  }

  @Test func `no condition makes a verdict of too many requests, a failure or a redirect`() throws {
    let source = Self.good.replacing(
      "answer.status == 401 && answer.body.error == \"revoked\"", with: "answer.status >= 300")
    let file = try ProviderDescription.load(source: source, file: "providers/it.yaml")
    for status in [301, 408, 429, 500, 502, 503, 599] {
      #expect(file.verify.read(ProviderAnswer(status: status, body: .null)).reading == .unknown)
    }
    // Two readings at once are none.
    #expect(
      file.verify.read(ProviderAnswer(status: 401, body: ["error": "unknown"])).reading == .unknown)
  }

  @Test func `a word is shown only where the file spells it`() throws {
    let file = try ProviderDescription.load(source: Self.good, file: "providers/it.yaml")
    func code(_ word: JSONValue) -> String {
      file.verify.read(ProviderAnswer(status: 401, body: ["error": word])).code
    }
    #expect(code("revoked") == "401 revoked")
    #expect(code("your token tok_live_123 is unknown") == "401")
    #expect(code(["a", "b"]) == "401")
  }

  @Test func `what an answer names is data, no handle of ours`() {
    let answer = ProviderAnswer(status: 200, body: ["id": ["$secret": "in-1/leaked"]])
    guard case .record(let parts) = answer.value, case .record(let body)? = parts["body"] else {
      Issue.record("no record")
      return
    }
    #expect(body["id"]?.secrets == [])
  }

  @Test func `every built-in file is read`() throws {
    for file in BuiltinContent.providers {
      let description = try ProviderDescription.load(source: file.text, file: file.path)
      #expect(!description.documentation.isEmpty && !description.privilege.isEmpty)
    }
  }
}
