import Foundation
import JSON
import Secrets
import TestSupport
import Testing

/// Moving back in a store that keeps versions: OpenBao's KV engine, through the command line.
@Suite struct StoreVersionsTests {
  private let server: OpenBaoServer
  private let home: TemporaryDirectory
  private let binary: StaunchBinary
  private let path = "app/" + UUID().uuidString.lowercased()
  private let leaked = FakeSecrets.value("openai_api_key", "moved back")

  init() async throws {
    server = try OpenBaoServer.shared()
    home = try TemporaryDirectory()
    try """
    staunch: 1
    stores:
      vault: {kind: vault-kv, base_url: "\(server.url)", token: env:BAO_TOKEN, path: \(path)}
      files: {kind: env-file, path: "\(home.path(".env"))"}
    """.write(toFile: home.path("staunch.yaml"), atomically: true, encoding: .utf8)
    binary = StaunchBinary(home: home.path, workingDirectory: home.path)
    for value in [leaked, "good-value-1", "broken-value"] {
      try await server.call("POST", "secret/data/\(path)", ["data": ["KEY": .string(value)]])
    }
  }

  private func store(_ arguments: String...) async throws -> StaunchBinary.Outcome {
    try await binary.run(
      ["store"] + arguments, environment: ["BAO_TOKEN": server.root.exposeAsText()])
  }

  private func current() async throws -> JSONValue? {
    try await server.call("GET", "secret/data/\(path)")["data"]?["KEY"]
  }

  @Test func `versions are listed without values, and the one before is current again`() async throws {
    let listed = try await store("versions", "vault", "KEY")
    #expect(listed.output == "3  current\n2  former\n1  former\n")
    #expect(listed.errors.contains("next: staunch store move-back vault KEY --to 2"))
    let planned = try await store("move-back", "vault", "KEY", "--to", "2")
    #expect(planned.status == 0)
    #expect(planned.output == "would make 2 the current value of KEY in vault, instead of 3\n")
    #expect(try await current() == "broken-value", "nothing without --live")
    let unconfirmed = try await store("move-back", "vault", "KEY", "--to", "2", "--live")
    #expect(unconfirmed.status == 64)
    let moved = try await store("move-back", "vault", "KEY", "--to", "2", "--live", "--confirm", "vault")
    #expect(moved.status == 0, "\(moved.errors)")
    #expect(moved.output == "KEY in vault: 4 is current\n")
    #expect(try await current() == "good-value-1")
    let journal = try await binary.run(["journal", "export"]).output
    #expect(journal.contains("store.move-back"))
    #expect(!journal.contains("good-value-1"))
  }

  /// The threat: whoever holds the leaked value talks a colleague into "the version that worked".
  @Test func `a version that leaked is moved away from again`() async throws {
    let report =
      #"{"schema":"staunch.findings/1","findings":[{"kind":"openai_api_key","value":"\#(leaked)","#
      + #""repository":"acme/app","path":"a.py","line":1}]}"#
    try report.write(toFile: home.path("report.json"), atomically: true, encoding: .utf8)
    let responded = try await binary.run(
      ["respond", "report.json"], environment: ["BAO_TOKEN": server.root.exposeAsText()])
    #expect(responded.status < 64, "\(responded.errors)")
    let moved = try await store("move-back", "vault", "KEY", "--to", "1", "--live", "--confirm", "vault")
    #expect(moved.status != 0)
    #expect(moved.errors.contains("that version holds a leaked value; 3 is current again"), "\(moved.errors)")
    #expect(!(moved.output + moved.errors).contains(leaked))
    #expect(try await current() == "broken-value")
  }

  @Test func `what is not there is said with the way on`() async throws {
    let strange = try await store("versions", "vaults", "KEY")
    #expect(strange.status == 64)
    #expect(strange.errors.contains("staunch.yaml names files, vault"))
    let unversioned = try await store("versions", "files", "KEY")
    #expect(unversioned.errors.contains("a store of kind env-file keeps no former values"))
    let gone = try await store("move-back", "vault", "KEY", "--to", "9", "--live", "--confirm", "vault")
    #expect(gone.status == 64)
    #expect(gone.errors.contains("staunch store versions vault KEY lists them"))
  }
}
