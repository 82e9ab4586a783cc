import Capabilities
import Foundation
import HTTP
import JSON
import SecretStores
import Secrets
import TestSupport
import Testing

/// Exchanges written from the API reference, in a simulation with `resourceVersion`s; the same on a real API server:
/// `KubernetesRealTests`.
@Suite struct KubernetesSecretTests {
  private let cluster: KubernetesSimulation
  private let leaked = Secret("leaked-value-0123456789")
  private let fresh = Secret("fresh-value-9876543210")
  private let path = "/api/v1/namespaces/prod/secrets/app"

  init() throws { cluster = try KubernetesSimulation() }

  private func store(_ more: [String: JSONValue] = [:]) throws -> KubernetesSecret {
    let settings: [String: JSONValue] = [
      "server": .string(cluster.url), "token": "env:TOKEN", "namespace": "prod", "secret": "app",
    ]
    return try KubernetesSecret(
      TargetConfiguration(
        name: "cluster", kind: KubernetesSecret.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:TOKEN": cluster.admin]))
  }

  private func base64(_ text: String) -> JSONValue { .string(Data(text.utf8).base64EncodedString()) }

  private func put(_ data: [String: String], _ more: [String: JSONValue] = [:], at name: String = "app") {
    let object: [String: JSONValue] = ["type": "Opaque", "data": .object(data.mapValues(base64))]
    cluster.put("/api/v1/namespaces/prod/secrets/\(name)", .object(object.merging(more) { _, new in new }))
  }

  private func data(_ name: String = "app") -> [String: String] {
    (cluster.object("/api/v1/namespaces/prod/secrets/\(name)")?["data"]?.object ?? [:]).mapValues {
      String(decoding: Data(base64Encoded: $0.string ?? "") ?? Data(), as: UTF8.self)
    }
  }

  private func replace(_ store: KubernetesSecret) async throws -> String {
    try await store.put(
      "KEY", fresh, replacing: [leaked], sparing: [], marker: "staunch-run-1", under: .forTests())
  }

  @Test func `a new value leaves every other key as it was, and what holds the old one follows`() async throws
  {
    let old = leaked.exposeAsText()
    put([
      "KEY": old, "URL": "https://app:\(old)@api.example/x", "LIMIT": "7",
    ])
    let store = try store()
    let version = try await replace(store)
    #expect(try await store.currentVersion("KEY") == version)
    let new = fresh.exposeAsText()
    #expect(data() == ["KEY": new, "URL": "https://app:\(new)@api.example/x", "LIMIT": "7"])
    #expect(try await store.copies(of: [leaked], besides: nil).isEmpty)
    #expect(try await replace(store) == version)
  }

  @Test func `what somebody writes meanwhile is not overwritten`() async throws {
    put(["KEY": leaked.exposeAsText()])
    cluster.interfere(path, ["data": ["OTHER": base64("theirs")]])
    let store = try store()
    let error = await #expect(throws: CapabilityError.self) { try await replace(store) }
    #expect(error?.class == .conflict)
    #expect(error?.description.contains("SHOULD-NOT-BE-SHOWN") == false)
    #expect(data() == ["KEY": leaked.exposeAsText(), "OTHER": "theirs"])
    _ = try await replace(store)
    #expect(data() == ["KEY": fresh.exposeAsText(), "OTHER": "theirs"])
  }

  @Test func `a lost reply is an unknown outcome, and repeating it changes nothing`() async throws {
    put(["KEY": leaked.exposeAsText()])
    cluster.loseNextReply()
    let store = try store()
    let error = await #expect(throws: CapabilityError.self) { try await replace(store) }
    #expect(error?.class == .unknownOutcome)
    let after = cluster.object(path)
    _ = try await replace(store)
    #expect(cluster.object(path) == after)
  }

  @Test func `several fields of a credential go to several keys in one request`() async throws {
    put(["ID": "AKIA1", "SECRET": leaked.exposeAsText()])
    _ = try await store().put(
      [StoreEntry("ID", Secret("AKIA2"), replacing: []), StoreEntry("SECRET", fresh, replacing: [leaked])],
      sparing: [], marker: "m", under: .forTests())
    #expect(data() == ["ID": "AKIA2", "SECRET": fresh.exposeAsText()])
    #expect(cluster.requests.filter { $0.method == "PATCH" }.count == 1)
  }

  @Test func `an immutable one gets a successor of a new name, and can be moved back to`() async throws {
    put(["KEY": leaked.exposeAsText(), "LIMIT": "7"], ["immutable": true])
    let store = try store()
    let before = try #require(try await store.currentVersion("KEY"))
    let second = try await replace(store)
    #expect(second.hasPrefix("app-g2@"))
    #expect(data() == ["KEY": leaked.exposeAsText(), "LIMIT": "7"])
    #expect(data("app-g2") == ["KEY": fresh.exposeAsText(), "LIMIT": "7"])
    #expect(cluster.object(path + "-g2")?["immutable"] == true)
    #expect(try await replace(store) == second)
    #expect(
      try await store.copies(of: [leaked], besides: "KEY") == [
        SecretCopy(key: "Secret app", canFollow: false, kind: .remark)
      ])
    #expect(
      try await store.versions(of: "KEY") == [
        StoreVersion(second, isCurrent: true, isReadable: true),
        StoreVersion(before, isCurrent: false, isReadable: true),
      ])
    #expect(try await store.moveBack("KEY", to: before, under: .forTests()).hasPrefix("app-g3@"))
    #expect(try await store.read("KEY").isSame(as: leaked))
  }

  /// Who may create Secrets, and not read them, would else choose what programs get, and be given the new value.
  @Test func `one that somebody has put in the successor's place is not read, and nothing is written to it`()
    async throws
  {
    put(["KEY": leaked.exposeAsText()], ["immutable": true])
    let planted: JSONValue = ["data": ["KEY": "ZXZpbA=="]]
    cluster.put(path + "-g2", planted)
    let store = try store()
    #expect(try await store.read("KEY").isSame(as: leaked))
    let error = await #expect(throws: CapabilityError.self) { try await replace(store) }
    #expect(error?.class == .unsafe)
    #expect(cluster.object(path + "-g2")?["data"] == planted["data"])
  }

  @Test func `a mutable one keeps nothing to move back to, which is said`() async throws {
    put(["KEY": leaked.exposeAsText()])
    let store = try store()
    let before = try #require(try await store.currentVersion("KEY"))
    _ = try await replace(store)
    let error = await #expect(throws: CapabilityError.self) {
      try await store.moveBack("KEY", to: before, under: .forTests())
    }
    #expect(error?.class == .notFound)
  }

  @Test func `what is staged is read by nobody until it is promoted, and is gone then`() async throws {
    put(["KEY": leaked.exposeAsText()])
    let store = try store()
    let entries = [StoreEntry("KEY", fresh, replacing: [leaked])]
    for _ in 0..<2 { try await store.stage(entries, marker: "staunch-run-1", under: .forTests()) }
    #expect(try await store.read("KEY").isSame(as: leaked))
    let other = await #expect(throws: CapabilityError.self) {
      try await store.promote(
        [StoreEntry("KEY", leaked, replacing: [])], sparing: [], marker: "staunch-run-1", under: .forTests())
    }
    #expect(other?.class == .conflict)
    _ = try await store.promote(entries, sparing: [], marker: "staunch-run-1", under: .forTests())
    #expect(try await store.read("KEY").isSame(as: fresh))
    #expect(cluster.paths == [path])
    let gone = await #expect(throws: CapabilityError.self) {
      try await store.promote(entries, sparing: [], marker: "staunch-run-1", under: .forTests())
    }
    #expect(gone?.class == .notFound)
  }

  @Test func `what kubectl apply has kept of the old value is named, and taken away`() async throws {
    let annotation = "kubectl.kubernetes.io/last-applied-configuration"
    let kept = #"{"stringData":{"KEY":"\#(leaked.exposeAsText())"}}"#
    put(
      ["KEY": leaked.exposeAsText()],
      ["metadata": ["annotations": [annotation: .string(kept), "team": "ml"]]])
    let store = try store()
    #expect(
      try await store.copies(of: [leaked], besides: "KEY") == [
        SecretCopy(key: "annotation \(annotation)", canFollow: true, kind: .remark)
      ])
    _ = try await replace(store)
    #expect(cluster.object(path)?["metadata"]?["annotations"] == ["team": "ml"])
  }

  @Test func `a right that is missing is named by doctor, and nothing is written`() async throws {
    put(["KEY": leaked.exposeAsText()])
    cluster.deny("patch secrets")
    let store = try store()
    let missing = await store.readiness().filter { if case .missing = $0.verdict { true } else { false } }
    #expect(missing.map(\.what) == ["patch secrets app"])
    let error = await #expect(throws: CapabilityError.self) { try await replace(store) }
    #expect(error?.class == .refused)
    #expect(data() == ["KEY": leaked.exposeAsText()])
  }

  @Test func `an address that is no cluster's says so, and a Secret that is none is not made by reading`()
    async throws
  {
    let store = try store()
    #expect(try await store.currentVersion("KEY") == nil)
    #expect(cluster.paths.isEmpty)
    let web = try LoopbackServer { _ in .answer(404, body: Data("nothing here".utf8)) }
    let wrong = try self.store(["server": .string(web.url)])
    let error = await #expect(throws: CapabilityError.self) { try await wrong.currentVersion("KEY") }
    #expect(error?.class == .configuration)
  }

  @Test(
    arguments: [
      ["server": "http://kubernetes.example"], ["namespace": "a/b"], ["secret": "../x"], ["secret": "Upper"],
      ["token": .null],
    ] as [[String: JSONValue]])
  func `wrong settings are refused`(_ settings: [String: JSONValue]) {
    let error = #expect(throws: CapabilityError.self) { try store(settings) }
    #expect(error?.class == .configuration)
  }
}
