import Capabilities
import Foundation
import HTTP
import JSON
import SecretStores
import Secrets
import TestSupport
import Testing

/// On a real OpenBao server, over libcurl.
@Suite struct VaultKVTests {
  private let server: OpenBaoServer
  private let path = "app/" + UUID().uuidString.lowercased()
  private let leaked = Secret("leaked-value-0123456789")
  private let fresh = Secret("fresh-value-9876543210")

  init() throws { server = try OpenBaoServer.shared() }

  private func store(
    _ more: [String: JSONValue] = [:], as token: Secret? = nil, over http: any HTTPTransport = CurlTransport()
  ) throws -> VaultKV {
    let settings: [String: JSONValue] = [
      "base_url": .string(server.url), "token": "env:TOKEN", "path": .string(path),
    ]
    return try VaultKV(
      TargetConfiguration(
        name: "vault", kind: VaultKV.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(http: http, secrets: ["env:TOKEN": token ?? server.root]))
  }

  /// Somebody writes the whole document.
  private func write(_ fields: [String: JSONValue]) async throws {
    try await server.call("POST", "secret/data/\(path)", ["data": .object(fields)])
  }

  private func fields(version: Int? = nil) async throws -> JSONValue? {
    let query = version.map { "?version=\($0)" } ?? ""
    return try await server.call("GET", "secret/data/\(path)\(query)")["data"]
  }

  private func replace(_ store: VaultKV) async throws -> String {
    try await store.put(
      "KEY", fresh, replacing: [leaked], sparing: [], marker: "staunch-run-1", under: .forTests())
  }

  @Test func `a new value leaves every other field as it was, and what holds the old one follows`()
    async throws
  {
    try await write([
      "KEY": .string(leaked.exposeAsText()), "LIMIT": 7, "nested": ["list": [1, true, nil]],
      "URL": .string("https://app:\(leaked.exposeAsText())@api.example/x"),
    ])
    let store = try store()
    #expect(try await store.currentVersion("KEY") == "1")
    #expect(try await replace(store) == "2")
    #expect(
      try await fields() == [
        "KEY": .string(fresh.exposeAsText()), "LIMIT": 7, "nested": ["list": [1, true, nil]],
        "URL": .string("https://app:\(fresh.exposeAsText())@api.example/x"),
      ])
    #expect(try await store.copies(of: [leaked], besides: nil).isEmpty)
  }

  @Test func `a copy inside a nested value is named and left as it is`() async throws {
    try await write(["KEY": "x", "nested": ["deep": [.string(leaked.exposeAsText())]]])
    #expect(
      try await store().copies(of: [leaked], besides: "KEY") == [SecretCopy(key: "nested", canFollow: false)])
  }

  @Test func `the version with the old value is taken out, and can be moved back to`() async throws {
    try await write(["KEY": .string(leaked.exposeAsText()), "OTHER": "1"])
    let store = try store()
    _ = try await replace(store)
    #expect(try await server.answer("GET", "secret/data/\(path)?version=1").status == 404)
    try await server.call(
      "POST", "secret/data/\(path)", ["data": ["KEY": .string(fresh.exposeAsText()), "OTHER": "2"]])
    #expect(
      try await store.versions(of: "KEY") == [
        StoreVersion("3", isCurrent: true, isReadable: true),
        StoreVersion("2", isCurrent: false, isReadable: true),
        StoreVersion("1", isCurrent: false, isReadable: false),
      ])
    #expect(try await store.moveBack("KEY", to: "1", under: .forTests()) == "4")
    // The other field is what somebody has written since.
    #expect(try await fields() == ["KEY": .string(leaked.exposeAsText()), "OTHER": "2"])
    #expect(try await store.moveBack("KEY", to: "1", under: .forTests()) == "4")
  }

  @Test func `a former version with the old value is named before anything is written`() async throws {
    try await write(["KEY": .string(leaked.exposeAsText())])
    try await write(["KEY": "another"])
    #expect(
      try await store().copies(of: [leaked], besides: "KEY") == [
        SecretCopy(key: "version 1 of secret/\(path)", canFollow: true, kind: .remark)
      ])
  }

  /// The server answers 204 to undelete a destroyed version, and changes nothing.
  @Test func `a destroyed version is not moved back to`() async throws {
    try await write(["KEY": "1"])
    try await write(["KEY": "2"])
    try await server.call("PUT", "secret/destroy/\(path)", ["versions": [1]])
    let error = await #expect(throws: CapabilityError.self) {
      try await store().moveBack("KEY", to: "1", under: .forTests())
    }
    #expect(error?.class == .notFound)
    #expect(error?.because == "the version was destroyed")
    #expect(try await fields() == ["KEY": "2"])
  }

  @Test func `what somebody writes meanwhile is not overwritten`() async throws {
    try await write(["KEY": .string(leaked.exposeAsText())])
    let (server, path) = (server, path)
    let store = try store(
      over: Interloper {
        try await server.call("POST", "secret/data/\(path)", ["data": ["KEY": "theirs"]])
      })
    let error = await #expect(throws: CapabilityError.self) { try await replace(store) }
    #expect(error?.class == .conflict)
    #expect(error?.because == "something else wrote it at the same time")
    #expect(try await fields() == ["KEY": "theirs"])
  }

  @Test func `over a document that was taken out a new version is written`() async throws {
    try await write(["KEY": "1"])
    try await server.call("DELETE", "secret/data/\(path)")
    let store = try store()
    #expect(try await store.currentVersion("KEY") == nil)
    #expect(try await replace(store) == "2")
    #expect(try await fields() == ["KEY": .string(fresh.exposeAsText())])
  }

  @Test func `what is staged is read by nobody until it is promoted`() async throws {
    try await write(["KEY": .string(leaked.exposeAsText())])
    let store = try store()
    let entries = [StoreEntry("KEY", fresh, replacing: [leaked])]
    for _ in 0..<2 { try await store.stage(entries, marker: "staunch-run-1", under: .forTests()) }
    #expect(try await store.read("KEY").isSame(as: leaked))
    #expect(try await server.answer("GET", "secret/metadata/\(path)").body["data"]?["current_version"] == 1)
    #expect(
      try await store.promote(entries, sparing: [], marker: "staunch-run-1", under: .forTests()) == "2")
    #expect(try await store.read("KEY").isSame(as: fresh))
    #expect(try await server.answer("GET", "secret/metadata/\(path).staunch-run-1").status == 404)
    let error = await #expect(throws: CapabilityError.self) {
      try await store.promote(entries, sparing: [], marker: "staunch-run-1", under: .forTests())
    }
    #expect(error?.class == .notFound)
  }

  @Test func `what somebody else has put on the stage is not used`() async throws {
    try await write(["KEY": .string(leaked.exposeAsText())])
    let store = try store()
    let entries = [StoreEntry("KEY", fresh, replacing: [])]
    try await store.stage(entries, marker: "m", under: .forTests())
    try await server.call("POST", "secret/data/\(path).m", ["data": ["KEY": "theirs"]])
    let error = await #expect(throws: CapabilityError.self) {
      try await store.promote(entries, sparing: [], marker: "m", under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(try await store.read("KEY").isSame(as: leaked))
  }

  /// Whoever may change the document's metadata could let the new value vanish after a while.
  @Test func `a document that takes its versions out by itself gets no new value`() async throws {
    try await write(["KEY": .string(leaked.exposeAsText())])
    try await server.call("POST", "secret/metadata/\(path)", ["delete_version_after": "1h"])
    let store = try store()
    let error = await #expect(throws: CapabilityError.self) { try await replace(store) }
    #expect(error?.class == .unsafe)
    #expect(error?.because == "the document takes each version out by itself after 1h0m0s")
    #expect(try await fields() == ["KEY": .string(leaked.exposeAsText())])
    #expect(
      await store.readiness().contains {
        if case .missing(let because, _) = $0.verdict { because.contains("after 1h0m0s") } else { false }
      })
  }

  @Test func `an engine of version 1 is told, and nothing is written there`() async throws {
    let mount = "kv1-" + UUID().uuidString.prefix(8).lowercased()
    try await server.call("POST", "sys/mounts/\(mount)", ["type": "kv", "options": ["version": "1"]])
    let store = try store(["mount": .string(mount)])
    let error = await #expect(throws: CapabilityError.self) { try await replace(store) }
    #expect(error?.class == .configuration)
    #expect(error?.fix?.contains("vault kv enable-versioning \(mount)") == true)
    #expect(try await server.answer("LIST", "\(mount)/").status == 404)
    // Every document is missing there, which is no sign that none holds the value.
    await #expect(throws: CapabilityError.self) { try await store.copies(of: [leaked], besides: nil) }
  }

  @Test func `an answer that lists no versions is not taken for there being none`() async throws {
    let gateway = try LoopbackServer { request in
      request.path.hasPrefix("/v1/secret/metadata/")
        ? .json(200, #"{"data":{}}"#)
        : .json(200, #"{"data":{"data":{"KEY":"x"},"metadata":{"version":2}}}"#)
    }
    let error = await #expect(throws: CapabilityError.self) {
      try await store(["base_url": .string(gateway.url)]).copies(of: [leaked], besides: "KEY")
    }
    #expect(error?.class == .serverError)
  }

  @Test func `a mount that is not there is the entry's fault`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await store(["mount": "nowhere"]).currentVersion("KEY")
    }
    #expect(error?.class == .configuration)
    #expect(error?.because == "nothing is mounted there")
  }

  @Test(arguments: ["/app", "app/", "a//b", "../sys/mounts", "a/../b", "a?version=1", "a+b", ""])
  func `a path that is none is refused before anything is asked`(path: String) throws {
    let error = #expect(throws: CapabilityError.self) { try store(["path": .string(path)]) }
    #expect(error?.class == .configuration)
  }

  // MARK: rights

  @Test func `the rights that doctor lists are enough`() async throws {
    try await write(["KEY": .string(leaked.exposeAsText())])
    let policy = try await server.makePolicy([
      "secret/data/\(path)": ["create", "read", "update", "patch"], "secret/metadata/\(path)": ["read"],
      "secret/delete/\(path)": ["update"],
    ])
    let store = try store(as: try await server.makeToken([policy]).value)
    for need in await store.readiness() {
      guard case .ready = need.verdict else {
        Issue.record("\(need)")
        continue
      }
    }
    #expect(try await replace(store) == "2")
    #expect(try await store.copies(of: [leaked], besides: nil).isEmpty)
  }

  @Test func `a right that is missing is named with the line of the policy`() async throws {
    try await write(["KEY": .string(leaked.exposeAsText())])
    let policy = try await server.makePolicy(["secret/data/\(path)": ["create", "read", "update"]])
    let store = try store(as: try await server.makeToken([policy]).value)
    let first = try #require(await store.readiness().first)
    #expect(
      first.verdict
        == .missing(
          because: "the runner's token lacks patch on secret/data/\(path)",
          fix: "add to its policy: "
            + "path \"secret/data/\(path)\" { capabilities = [\"create\", \"read\", \"update\", \"patch\"] }")
    )
    let error = await #expect(throws: CapabilityError.self) { try await replace(store) }
    #expect(error?.class == .refused)
    #expect(try await fields() == ["KEY": .string(leaked.exposeAsText())])
  }

  @Test func `former versions that may not be read are named as unread`() async throws {
    try await write(["KEY": .string(leaked.exposeAsText())])
    let policy = try await server.makePolicy(["secret/data/\(path)": ["read", "patch"]])
    let store = try store(as: try await server.makeToken([policy]).value)
    #expect(try await replace(store) == "2")
    let copies = try await store.copies(of: [leaked], besides: nil)
    #expect(copies.map(\.key) == ["former versions of secret/\(path)"])
    guard case .unread? = copies.first?.kind else {
      Issue.record("they count as read")
      return
    }
  }

  @Test func `a root token is more than it needs, which is said`() async throws {
    try await write(["KEY": "1"])
    let needs = try await store().readiness()
    #expect(needs.contains { $0.what == "least privilege" })
  }

  @Test func `a document has one name for stores and providers`() throws {
    #expect(try store().resource(of: "KEY")?.rawValue == "vault:\(server.url)/secret/\(path)")
  }
}

/// Somebody who writes between our reading and our writing.
private struct Interloper: HTTPTransport {
  private let real = CurlTransport()
  let beforeChange: @Sendable () async throws -> Void

  init(_ beforeChange: @escaping @Sendable () async throws -> Void) { self.beforeChange = beforeChange }

  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    try await real.fetch(request)
  }

  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  {
    if request.method == .patch {
      do { try await beforeChange() } catch {
        throw CapabilityError(.network, "test", because: "the interloper failed: \(error)")
      }
    }
    return try await real.send(request, under: authority)
  }
}
