import Capabilities
import Foundation
import JSON
import LocalSystem
import SecretStores
import Secrets
import TestSupport
import Testing

/// With a real sops and age.
@Suite struct SOPSFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// - Parameter redact: what is shown of a program's output; by default nothing, which no verdict may miss.
  private func store(
    _ world: SOPSWorld, path: String? = nil, as shim: ProgramShim? = nil,
    redact: @escaping @Sendable (String) -> String = { _ in "redacted" }
  ) throws -> SOPSFile {
    var environment = ProcessInfo.processInfo.environment
    if let shim { environment["PATH"] = shim.directory + ":" + (environment["PATH"] ?? "") }
    return try SOPSFile(
      TargetConfiguration(
        name: "s", kind: SOPSFile.kind,
        settings: ["path": .string(path ?? world.path), "age_key_file": .string(world.keyFile)],
        position: "staunch.yaml:1:1"),
      in: .forTests(
        processes: SubprocessRunner(environment: environment, redact: redact),
        files: LocalFileSystem()))
  }

  private func put(_ store: SOPSFile, _ key: String, _ value: String, replacing old: [String] = [])
    async throws
  {
    _ = try await store.put(
      key, Secret(value), replacing: old.map { Secret($0) }, sparing: [], marker: "run-1", under: .forTests())
  }

  @Test func `a value, and what holds the old one, is exchanged; everything else decrypts as before`()
    async throws
  {
    let world = try await SOPSWorld(
      in: directory.path, "a.yaml",
      "a:\n  k: leaked-value-0123456\n  l:\n    - x\n    - http://u:leaked-value-0123456@h\n\"n\": 5\nz_unencrypted: seen\n"
    )
    let store = try store(world)
    #expect(try await store.read("a.k").exposeAsText() == "leaked-value-0123456")
    #expect(try await store.currentVersion("a.k") == "unmanaged")
    try await put(store, "a.k", "it's \"new\"\nå", replacing: ["leaked-value-0123456"])
    #expect(try await store.read("a.k").exposeAsText() == "it's \"new\"\nå")
    #expect(try await store.read("a.l.1").exposeAsText() == "http://u:it%27s%20%22new%22%0A%C3%A5@h")
    #expect(try await store.read("a.l.0").exposeAsText() == "x")
    #expect(try await store.currentVersion("a.k") == "run-1")
    let raw = try String(contentsOfFile: world.path, encoding: .utf8)
    // No run of letters that the base64 of a ciphertext may hold by chance.
    for plain in ["it's", "it''s", "%22new", "\"new", "new\\"] { #expect(!raw.contains(plain), "\(plain)") }
    #expect(raw.contains("z_unencrypted: seen"))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.path).allSatisfy {
        !$0.contains("staged")
      })
  }

  @Test func `no value stands in an argument or an environment`() async throws {
    let shim = try ProgramShim(["sops"], in: directory.path)
    let world = try await SOPSWorld(in: directory.path, "a.json", "{\"k\": \"leaked-value-0123456\"}")
    try await put(try store(world, as: shim), "k", "fresh-value-0123456", replacing: ["leaked-value-0123456"])
    #expect(try shim.calls() >= 3)
    for name in try FileManager.default.contentsOfDirectory(atPath: shim.records) {
      let record = try String(contentsOfFile: shim.records + "/" + name, encoding: .utf8)
      #expect(!record.contains("fresh-value") && !record.contains("leaked-value"))
    }
  }

  @Test func `a name that sops leaves as plain text gets no secret`() async throws {
    let world = try await SOPSWorld(in: directory.path, "a.yaml", "k_unencrypted: x\nb: y\n")
    for key in ["k_unencrypted", "new_unencrypted"] {
      let error = await #expect(throws: CapabilityError.self) {
        try await put(store(world), key, "fresh-value")
      }
      #expect(error?.class == .unsafe)
    }
    let ruled = try await SOPSWorld(
      in: directory.path, "b.yaml", "password: x\n", options: ["--encrypted-regex", "^password$"])
    try await put(store(ruled), "password", "fresh-value")
    let error = await #expect(throws: CapabilityError.self) {
      try await put(store(ruled), "other", "fresh-value")
    }
    #expect(error?.class == .unsafe)
    #expect(try !String(contentsOfFile: ruled.path, encoding: .utf8).contains("fresh-value"))
  }

  @Test func `a comment with the old value is named, and sops leaves it`() async throws {
    let world = try await SOPSWorld(
      in: directory.path, "a.yaml", "k: leaked-value-0123456\n# leaked-value-0123456\nb: 1\n")
    #expect(
      try await store(world).copies(of: [Secret("leaked-value-0123456")], besides: "k") == [
        SecretCopy(key: "the comments", canFollow: false, kind: .remark)
      ])
  }

  @Test func `a file of others' keys, a plain one and one that was changed without sops are told apart`()
    async throws
  {
    let world = try await SOPSWorld(in: directory.path, "a.yaml", "k: old\nz: other\n")
    let elsewhere = try TemporaryDirectory()
    let other = try await SOPSWorld(in: elsewhere.path, "b.yaml", "k: old\n")
    let foreign = await #expect(throws: CapabilityError.self) {
      try await store(world, path: other.path).currentVersion("k")
    }
    #expect(foreign?.class == .refused)
    let plain = directory.path("plain.yaml")
    try "k: old\n".write(toFile: plain, atomically: false, encoding: .utf8)
    let unencrypted = await #expect(throws: CapabilityError.self) {
      try await store(world, path: plain).currentVersion("k")
    }
    #expect(unencrypted?.class == .unsupported)
    var lines = try String(contentsOfFile: world.path, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    lines.removeAll { $0.hasPrefix("z:") }
    try lines.joined(separator: "\n").write(toFile: world.path, atomically: false, encoding: .utf8)
    let changed = await #expect(throws: CapabilityError.self) { try await store(world).currentVersion("k") }
    #expect(changed?.class == .unsafe)
  }

  @Test func `doctor decrypts, and says when sops is not there`() async throws {
    let world = try await SOPSWorld(in: directory.path, "a.yaml", "k: old\n")
    let verdicts = try await store(world, redact: { $0 }).readiness().map(\.verdict)
    #expect(
      verdicts == [
        .ready("the file may be written"), .ready("sops decrypts the file: 1 values"),
      ])
    let missing = try SOPSFile(
      TargetConfiguration(
        name: "s", kind: SOPSFile.kind, settings: ["path": .string(world.path), "program": "no-such-sops"],
        position: "staunch.yaml:1:1"),
      in: .forTests(processes: SubprocessRunner(environment: [:], redact: { $0 }), files: LocalFileSystem()))
    guard case .missing(let because, _)? = await missing.readiness().last?.verdict else {
      Issue.record("sops is there")
      return
    }
    #expect(because.contains("there is no such program"))
  }
}
