import Foundation
import JSON
import TestSupport
import Testing

/// Two credentials of one kind, a token that nobody knows, and an id without its value. The real binary against an API on
/// loopback that knows each token.
@Suite struct WhoseIsItTests {
  private let directory: TemporaryDirectory
  private let binary: StaunchBinary
  private let api: LoopbackServer

  private static func token(_ name: String) -> String {
    "hf_" + "\(name)\(String(repeating: "k", count: 30))"
  }

  init() async throws {
    directory = try TemporaryDirectory()
    binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    // /ml knows the token of ml, /web that of web; both know the control.
    api = try LoopbackServer { request in
      if request.path.hasPrefix("/revoke/") { return .answer(204) }
      let shown = request.headers["authorization"] ?? ""
      let own = Self.token(String(request.path.dropFirst()))
      return .answer(["Bearer \(own)", "Bearer \(Self.token("control"))"].contains(shown) ? 200 : 401)
    }
    let entries = ["ml", "web"].map { name in
      "  \(name): {kind: generic, id: id-\(name), leaks: [huggingface], verify: {url: \"\(api.url)/\(name)\", "
        + "control: env:CONTROL}, revoke: {url: \"\(api.url)/revoke/{ref}\"}}"
    }
    try write(
      "staunch.yaml",
      """
      staunch: 1
      credentials:
      \(entries.joined(separator: "\n"))
      routes:
        - {when: {kind: huggingface}, playbook: look}

      """)
    try FileManager.default.createDirectory(
      atPath: directory.path("playbooks"), withIntermediateDirectories: true)
    try write(
      "playbooks/look.yaml",
      """
      playbook: 1
      id: look
      title: Look
      deadline: 1h
      inputs:
        incident: {type: incident}
        credential: {type: credential}
        leaked: {type: list<secret>}
      locks: ["${{ inputs.credential.lock }}"]
      steps:
        - {id: alive, uses: credential.verify, with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}}

      """)
  }

  private func write(_ name: String, _ text: String) throws {
    try text.write(toFile: directory.path(name), atomically: true, encoding: .utf8)
  }

  private func respond(_ finding: [String: JSONValue]) async throws -> String {
    var members: [String: JSONValue] = [
      "kind": "huggingface_token", "repository": "shop", "path": "a.py", "line": 1,
    ]
    members.merge(finding) { _, new in new }
    let report: JSONValue = ["schema": "staunch.findings/1", "findings": [.object(members)]]
    try write("report.json", report.canonicalText)
    let outcome = try await binary.run(
      ["respond", "report.json"], environment: ["CONTROL": Self.token("control")])
    return outcome.output + outcome.errors
  }

  @Test(arguments: ["ml", "web"])
  func `a route without a credential gets the one whose provider knows the value`(name: String) async throws {
    let said = try await respond(["value": .string(Self.token(name))])
    #expect(said.contains("locks generic/\(name)"), "\(said)")
  }

  @Test func `a value that nobody knows is listed with the line for staunch yaml`() async throws {
    let said = try await respond(["value": .string(Self.token("stranger"))])
    #expect(said.contains("it is of none of ml, web"), "\(said)")
    #expect(
      said.contains(
        "add under credentials: huggingface-token: {kind: huggingface, store: STORE, key: KEY}"
      ),
      "\(said)")
    #expect(!said.contains(Self.token("stranger")))
  }

  @Test func `an id without its value is told how to be stopped, and is stopped so`() async throws {
    let said = try await respond(["handle": "id-web"])
    #expect(said.contains("staunch credential disable web --id id-web --live --confirm web"), "\(said)")
    let done = try await binary.run(
      ["credential", "disable", "web", "--id", "id-web", "--live", "--confirm", "web", "--no-input"])
    #expect(done.status == 0, "\(done.output) \(done.errors)")
    #expect(api.requests.last.map { "\($0.method) \($0.path)" } == "POST /revoke/id-web")
  }

  @Test func `a word that is no kind is an error with the nearest one`() async throws {
    try write(
      "staunch.yaml", "staunch: 1\nroutes:\n  - {when: {kind: github_pat}, playbook: generic-secret}\n")
    let outcome = try await binary.run(["doctor"])
    #expect(outcome.status == 78, "\(outcome.errors)")
    #expect(outcome.errors.contains("there is no kind \"github_pat\""))
    #expect(outcome.errors.contains("github_pat_classic"))
  }
}
