import Capabilities
import Foundation
import GitObjects
import HTTP
import Platforms
import Secrets
import TestSupport
import Testing

@testable import GitHistory

/// Images at docker-registry of Debian, the reference of the distribution API.
@Suite struct RegistryImageTests {
  private static func search(
    _ address: String, _ login: RegistryLogin?, over transport: any HTTPTransport = CurlTransport()
  ) async throws -> CopyReport {
    let source = try RegistryImage(
      address: address, login: login, transport: transport, now: { Date() })
    return try await CopySearch(try SecretPatterns(secrets: [Secret(leaked)])).run(
      in: [], sources: [source], progress: Silent())
  }

  private func login(_ server: RegistryServer) -> RegistryLogin {
    RegistryLogin(user: server.user, password: server.password, tokenHost: nil)
  }

  @Test func `layers are searched, also what a later one deleted, and the environment of the configuration`()
    async throws
  {
    let server = try RegistryServer()
    let digest = try await server.push(
      "team/app", tags: ["1.4"], environment: ["KEY=\(leaked)"],
      layers: [["app/.env": "A=1\nKEY=\(leaked)\n"], ["app/.wh..env": ""]])
    let report = try await Self.search("docker://\(server.host)/team/app:1.4", login(server))
    #expect(report.notSearched.isEmpty, "\(report.notSearched)")
    #expect(report.places.count == 2 && report.files == 4)  // the manifest, the configuration, two layers
    let root = "docker://\(server.host)/team/app@\(digest)/blobs/sha256/"
    #expect(report.places.allSatisfy { $0.path.hasPrefix(root) && $0.path.contains(" (tag 1.4)") })
    let layer = try #require(report.places.first { $0.path.hasSuffix("!app/.env") })
    #expect(layer.kind == .image && layer.line == 2 && layer.fix.contains("garbage collection"))
  }

  @Test func `every tag of a repository is searched, a layer that they share is told at each`() async throws {
    let server = try RegistryServer()
    let bad = ["app/.env": "KEY=\(leaked)\n"]
    let first = try await server.push("app", tags: ["1", "stable"], layers: [bad])
    let second = try await server.push("app", tags: ["2"], layers: [bad, ["b": "c"]])
    let report = try await Self.search("docker://\(server.host)/app", login(server))
    #expect(report.places.contains { $0.path.contains(first) })
    #expect(report.places.count == 2)
    #expect(report.places.contains { $0.path.contains(second) && $0.path.contains("(tag 2)") })
    // What has no tag is listed by no registry.
    #expect(report.notSearched.map(\.why).first?.hasPrefix("manifests without a tag") == true)
    #expect(report.notSearched.count == 1)
    // Gone is what the registry says it does not know.
    let image = "docker://\(server.host)/app@\(first)"
    #expect(try await Self.search(image, login(server)).verdict == .found)
    try await server.delete(first, of: "app")
    let gone = try await Self.search(image, login(server))
    #expect(gone.verdict == .clean && gone.files == 0, "\(gone.notSearched)")
  }

  @Test func `without a login, with a wrong one, or for a tag that is not there nothing is clean`()
    async throws
  {
    let server = try RegistryServer()
    _ = try await server.push("app", tags: ["1"], layers: [["a": "b"]])
    let wrong = RegistryLogin(user: "ci", password: Secret("wrong-" + "word"), tokenHost: nil)
    for login in [nil, wrong] {
      let report = try await Self.search("docker://\(server.host)/app:1", login)
      #expect(report.verdict == .unknown && report.places.isEmpty)
      #expect(report.notSearched.first?.why.contains("REGISTRY_PASSWORD") == true, "\(report.notSearched)")
      #expect(!"\(report)".contains("wrong-word"))
    }
    let absent = try await Self.search("docker://\(server.host)/app:2", login(server))
    #expect(absent.verdict == .unknown && absent.notSearched.first?.why.contains("404") == true)
    #expect(try await Self.search("docker://\(server.host)/app:1", login(server)).verdict == .clean)
  }

  // MARK: what docker-registry does not do, from the specifications

  private static let config = Data(#"{"config":{"Env":["KEY=\#(leaked)"]}}"#.utf8)

  private static func manifest(_ digest: String, _ size: Int) -> String {
    #"{"schemaVersion":2,"config":{"digest":"\#(digest)","size":\#(size)},"layers":[]}"#
  }

  private static func digest(_ data: Data) async throws -> String {
    let directory = try TemporaryDirectory()
    try data.write(to: URL(filePath: directory.path("x")))
    return "sha256:" + String(try await Program.run(["sha256sum", "x"], in: directory.path).prefix(64))
  }

  /// https://distribution.github.io/distribution/spec/auth/token/
  @Test func `a token is drawn for pulling this repository alone, and goes to the registry alone`()
    async throws
  {
    let digest = try await Self.digest(Self.config)
    let manifest = Self.manifest(digest, Self.config.count)
    let password = "registry-" + "Password-4711"
    let basic = "Basic " + Data("ci:\(password)".utf8).base64EncodedString()
    let server = try LoopbackServer { request in
      if request.path == "/token" {
        guard request.headers["authorization"] == basic else { return .answer(401) }
        return .json(200, #"{"token":"drawn-token"}"#)
      }
      guard request.headers["authorization"] == "Bearer drawn-token" else {
        let own = "http://\(request.headers["host"] ?? "")/token"
        // It asks for more than is needed.
        return .answer(
          401,
          headers: [
            "www-authenticate":
              #"Bearer realm="\#(own)",service="registry",scope="repository:app:pull,push,delete""#
          ])
      }
      if request.path.hasPrefix("/v2/app/manifests/") { return .json(200, manifest) }
      let part = Data(Self.config)
      return .answer(206, headers: ["content-range": "bytes 0-\(part.count - 1)/\(part.count)"], body: part)
    }
    let address = "docker://127.0.0.1:\(server.port)/app:1"
    let login = RegistryLogin(user: "ci", password: Secret(password), tokenHost: nil)
    let report = try await Self.search(address, login)
    #expect(report.places.count == 1 && report.notSearched.isEmpty, "\(report.notSearched)")
    let asked = server.requests.filter { $0.path == "/token" }
    #expect(asked.map { $0.query["scope"] } == ["repository:app:pull"])
    #expect(
      server.requests.filter { $0.path != "/token" }.allSatisfy { $0.headers["authorization"] != basic })
  }

  @Test func `a login is not sent to a token server of another host`() async throws {
    let password = "registry-" + "Password-4711"
    let elsewhere = try LoopbackServer { _ in .json(200, #"{"token":"t"}"#) }
    let realm = "http://localhost:\(elsewhere.port)/token"
    let server = try LoopbackServer { _ in
      .answer(401, headers: ["www-authenticate": #"Bearer realm="\#(realm)",service="x""#])
    }
    let report = try await Self.search(
      "docker://127.0.0.1:\(server.port)/app:1",
      RegistryLogin(user: "ci", password: Secret(password), tokenHost: nil))
    #expect(report.verdict == .unknown && elsewhere.requests.isEmpty, "\(report.notSearched)")
    #expect(!"\(report)".contains(password))
  }

  /// A registry's blobs lie in a store of its own; its address may be anything.
  @Test func `a redirect gets no login, and one that leads into the network is not followed`() async throws {
    let digest = try await Self.digest(Self.config)
    let manifest = Self.manifest(digest, Self.config.count)
    let inside = try LoopbackServer { _ in .answer(200, body: Self.config) }
    for target in ["http://127.0.0.1:\(inside.port)/x?sig=1", "https://127.0.0.1:\(inside.port)/x?sig=1"] {
      let server = try LoopbackServer { request in
        if request.path.hasPrefix("/v2/app/manifests/") { return .json(200, manifest) }
        return .answer(307, headers: ["location": target])
      }
      let report = try await Self.search("docker://127.0.0.1:\(server.port)/app:1", nil)
      #expect(report.verdict == .unknown && inside.requests.isEmpty)
      #expect(report.notSearched.first?.why.contains("skopeo copy") == true, "\(report.notSearched)")
      #expect(!"\(report)".contains("sig=1"))
    }
    let own = try LoopbackServer { request in
      if request.path.hasPrefix("/v2/app/manifests/") { return .json(200, manifest) }
      if request.path == "/blob" { return .answer(200, body: Self.config) }
      return .answer(307, headers: ["location": "http://\(request.headers["host"] ?? "")/blob?sig=1"])
    }
    let report = try await Self.search("docker://127.0.0.1:\(own.port)/app:1", nil)
    #expect(report.places.count == 1, "\(report.notSearched)")
    #expect(own.requests.filter { $0.path == "/blob" }.allSatisfy { $0.headers["authorization"] == nil })
  }

  @Test func `a blob or manifest with another digest is named, not trusted`() async throws {
    let manifest = Self.manifest("sha256:" + String(repeating: "0", count: 64), Self.config.count)
    let server = try LoopbackServer { request in
      request.path.hasPrefix("/v2/app/manifests/")
        ? .json(200, manifest) : .answer(200, body: Self.config)
    }
    let report = try await Self.search("docker://127.0.0.1:\(server.port)/app:1", nil)
    #expect(report.places.count == 1)
    #expect(report.notSearched.map(\.why) == ["what came has another digest than its address says"])
    let named = "docker://127.0.0.1:\(server.port)/app@sha256:" + String(repeating: "1", count: 64)
    #expect(try await Self.search(named, nil).notSearched.first?.why.contains("another digest") == true)
  }

  @Test(arguments: [
    "docker://app:1", "docker://registry.example/", "docker://u:p@registry.example/app",
    "docker://registry.example/a/../b",
    "docker://registry.example/app@sha256:12", "docker://registry.example/app:-x",
  ])
  func `what is no image's address is refused`(_ address: String) {
    let error = #expect(throws: CapabilityError.self) {
      try RegistryImage(address: address, login: nil, transport: CurlTransport(), now: { Date() })
    }
    #expect(error?.class == .configuration)
  }
}
