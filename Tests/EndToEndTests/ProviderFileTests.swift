import Foundation
import JSON
import TestSupport
import Testing

/// A provider that a file of a team's own describes, with the real binary: listed, judged, asked, and bound to what it says.
@Suite struct ProviderFileTests {
  private let directory: TemporaryDirectory
  private let binary: StaunchBinary
  private let api: LoopbackServer

  init() throws {
    directory = try TemporaryDirectory()
    binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    api = try LoopbackServer { request in
      let shown = request.headers["x-token"] ?? ""
      return ["living-token-0123456789", "control-token-0123456789"].contains(shown)
        ? .json(200, #"{"id":"token-1"}"#) : .json(401, #"{"error":"unknown"}"#)
    }
    try FileManager.default.createDirectory(
      atPath: directory.path("ours/tests"), withIntermediateDirectories: true)
    try write(
      "staunch.yaml",
      """
      staunch: 1
      providers: ours
      credentials:
        token: {kind: inhouse, base_url: "\(api.url)", control: env:CONTROL}

      """)
    try write("ours/inhouse.yaml", Self.file)
    try write(
      "ours/tests/inhouse.yaml",
      """
      exchange: 1
      provider: inhouse
      source: https://docs.example.org/tokens
      cases:
        - {asks: GET /me, verdict: alive, id: token-1, answer: {status: 200, body: {id: token-1}}}
        - {asks: GET /me, verdict: refused, answer: {status: 401, body: {error: unknown}}}
        - {asks: GET /me, verdict: unknown, answer: {status: 401}}

      """)
  }

  private static let file = """
    provider: 1
    kind: inhouse
    summary: A token of ours.
    documentation: [https://docs.example.org/tokens]
    privilege: none
    survives: nothing
    login: {header: X-Token}
    verify:
      get: /me
      alive: answer.status == 200 && has(answer.body.id)
      refused: answer.status == 401 && answer.body.error == "unknown"
    identify: {id: "${{ answer.body.id }}"}

    """

  private func write(_ name: String, _ text: String) throws {
    try text.write(toFile: directory.path(name), atomically: true, encoding: .utf8)
  }

  private func verify(_ value: String) async throws -> Int32 {
    try await binary.run(
      ["credential", "verify", "token", "--secret", "env:LEAKED"],
      environment: ["LEAKED": value, "CONTROL": "control-token-0123456789"]
    ).status
  }

  @Test func `it is asked as its file says`() async throws {
    #expect(try await verify("living-token-0123456789") == 11)
    #expect(try await verify("dead-token-0123456789") == 0)
    #expect(api.requests.allSatisfy { $0.target == "/me" })
  }

  @Test func `it is listed beside the built-in ones, with what it needs`() async throws {
    let all = try await binary.run(["credential", "providers"], environment: [:])
    #expect(all.output.contains("inhouse  user  identify,verify  A token of ours."))
    #expect(all.output.contains("slack  builtin  identify,verify,disable"))
    #expect(all.output.contains("postgres  code"))
    let one = try await binary.run(["credential", "providers", "inhouse"], environment: [:])
    #expect(one.output.contains("documentation: https://docs.example.org/tokens"))
    #expect(one.output.contains("setting base_url (required)"))
  }

  @Test func `lint judges the file with its exchanges, and a broken one is named at its place`() async throws
  {
    #expect(try await binary.run(["playbook", "lint", "ours/inhouse.yaml"], environment: [:]).status == 0)
    try write("ours/inhouse.yaml", Self.file.replacing("survives: nothing\n", with: ""))
    let judged = try await binary.run(["playbook", "lint", "ours/inhouse.yaml"], environment: [:])
    #expect(judged.status == 65)
    #expect(
      judged.output.contains("ours/inhouse.yaml:1:1: error: the file does not say \"survives\" [PB201]"))
    let used = try await binary.run(["doctor"], environment: ["CONTROL": "control-token-0123456789"])
    #expect(used.status == 78)
    #expect((used.output + used.errors).contains("inhouse.yaml:1:1"))
  }

  @Test func `doctor tries its control`() async throws {
    let asked = try await binary.run(["doctor"], environment: ["CONTROL": "control-token-0123456789"])
    #expect((asked.output + asked.errors).contains("control"), "\(asked.output)")
    #expect(!api.requests.isEmpty)
  }
}
