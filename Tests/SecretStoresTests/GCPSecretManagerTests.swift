import Capabilities
import Foundation
import JSON
import SecretStores
import Secrets
import TestSupport
import Testing

/// Against the simulator of ``SecretManagerWorld``, over libcurl.
@Suite struct GCPSecretManagerTests {
  private let world: SecretManagerWorld
  private let leaked = Secret("leaked-value-0123456789")
  private let fresh = Secret("fresh-value-9876543210")

  init() throws { world = try SecretManagerWorld() }

  private func write(_ texts: String..., to id: String = "KEY") {
    world.set { $0.secrets[id, default: .init()].versions += texts.map { SecretManagerWorld.version($0) } }
  }

  private func replace(_ store: GCPSecretManager) async throws -> String {
    try await store.put(
      "KEY", fresh, replacing: [leaked], sparing: [], marker: "staunch-run-1", under: .forTests())
  }

  private func states(_ id: String = "KEY") -> [String] { world.secrets[id]?.versions.map(\.state) ?? [] }

  @Test func `the checksum is the one of the standard`() {
    // RFC 3720 appendix B.4, and the check value of CRC-32C.
    #expect(SecretManagerWorld.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(SecretManagerWorld.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
  }

  @Test func `former versions that hold the old value are disabled, and can be moved back to`() async throws {
    write("before", leaked.exposeAsText())
    let store = try world.store()
    #expect(try await replace(store) == "3")
    #expect(states() == ["ENABLED", "DISABLED", "ENABLED"])
    #expect(
      try await store.versions(of: "KEY") == [
        StoreVersion("3", isCurrent: true, isReadable: true),
        StoreVersion("2", isCurrent: false, isReadable: false),
        StoreVersion("1", isCurrent: false, isReadable: true),
      ])
    #expect(try await store.moveBack("KEY", to: "2", under: .forTests()) == "4")
    #expect(try await store.read("KEY").isSame(as: leaked))
  }

  @Test func `destroyed where a person chose so, and then nobody moves back`() async throws {
    write(leaked.exposeAsText())
    let store = try world.store(["former_versions": "destroy"])
    _ = try await replace(store)
    #expect(states() == ["DESTROYED", "ENABLED"])
    let error = await #expect(throws: CapabilityError.self) {
      try await store.moveBack("KEY", to: "1", under: .forTests())
    }
    #expect(error?.class == .notFound)
    // A number is not used twice: the next is the third.
    #expect(
      try await store.put("KEY", Secret("v3"), replacing: [], sparing: [], marker: "m", under: .forTests())
        == "3")
  }

  @Test func `a lost reply is settled by looking, and nothing is added twice`() async throws {
    write(leaked.exposeAsText())
    world.set { $0.lostReplies = 1 }
    #expect(try await replace(try world.store()) == "2")
    #expect(world.changes == ["add KEY", "disable KEY/1"])
  }

  @Test func `a version that somebody adds meanwhile is a conflict`() async throws {
    write(leaked.exposeAsText())
    world.set { $0.interloper = { $0["KEY"]?.versions.append(SecretManagerWorld.version("theirs")) } }
    let error = await #expect(throws: CapabilityError.self) { try await replace(try world.store()) }
    #expect(error?.class == .conflict)
    #expect(error?.because == "something else added version 2 at the same time; ours is 3")
  }

  @Test func `a value that was damaged on its way is not believed`() async throws {
    write("value")
    world.set { $0.secrets["KEY"]?.versions[0].crc = "1" }
    let error = await #expect(throws: CapabilityError.self) { try await world.store().read("KEY") }
    #expect(error?.class == .network)
  }

  @Test func `too many calls and a login that is refused change nothing`() async throws {
    write(leaked.exposeAsText())
    world.set { $0.tooMany = 1 }
    let error = await #expect(throws: CapabilityError.self) { try await replace(try world.store()) }
    #expect(error?.class == .rateLimit)
    #expect(world.changes.isEmpty)
  }

  /// The threat: whoever may change the secret lets the new value vanish.
  @Test func `a secret that deletes itself gets no new value`() async throws {
    write(leaked.exposeAsText())
    world.set { $0.secrets["KEY"]?.expireTime = "2026-12-01T00:00:00Z" }
    let error = await #expect(throws: CapabilityError.self) { try await replace(try world.store()) }
    #expect(error?.class == .unsafe)
    #expect(world.changes.isEmpty)
  }

  @Test func `a secret that is not there is made only where that was allowed, and a wrong project is said`()
    async throws
  {
    let error = await #expect(throws: CapabilityError.self) {
      try await replace(try world.store(["create": "off"]))
    }
    #expect(error?.class == .notFound)
    #expect(error?.fix?.contains("gcloud secrets create KEY") == true)
    let elsewhere = try world.store(["project": "other", "create": "off"])
    #expect(try await elsewhere.currentVersion("KEY") == nil)
    #expect(world.changes.isEmpty)
  }

  // MARK: the alias

  @Test func `what is staged is read by nobody until the alias moves, and moving back is one change`()
    async throws
  {
    write(leaked.exposeAsText())
    world.set { $0.secrets["KEY"]?.aliases = ["live": "1", "other": "1"] }
    let store = try world.store(["alias": "live"])
    let entries = [StoreEntry("KEY", fresh, replacing: [leaked])]
    for _ in 0..<2 { try await store.stage(entries, marker: "m", under: .forTests()) }
    #expect(world.changes == ["add KEY"])
    #expect(try await store.read("KEY").isSame(as: leaked))
    #expect(try await store.promote(entries, sparing: [], marker: "m", under: .forTests()) == "2")
    #expect(try await store.read("KEY").isSame(as: fresh))
    #expect(world.secrets["KEY"]?.aliases == ["live": "2", "other": "1"])
    #expect(states() == ["DISABLED", "ENABLED"])
    #expect(try await store.moveBack("KEY", to: "1", under: .forTests()) == "1")
    #expect(world.secrets["KEY"]?.aliases["live"] == "1")
    #expect(states() == ["ENABLED", "ENABLED"])
  }

  @Test func `what somebody else has put on the stage is not used, and a moved alias is a conflict`()
    async throws
  {
    write(leaked.exposeAsText())
    world.set { $0.secrets["KEY"]?.aliases = ["live": "1"] }
    let store = try world.store(["alias": "live"])
    let entries = [StoreEntry("KEY", fresh, replacing: [])]
    try await store.stage(entries, marker: "m", under: .forTests())
    world.set { $0.interloper = { $0["KEY"]?.etag += 1 } }
    let moved = await #expect(throws: CapabilityError.self) {
      try await store.promote(entries, sparing: [], marker: "m", under: .forTests())
    }
    #expect(moved?.class == .conflict)
    write("theirs")
    let error = await #expect(throws: CapabilityError.self) {
      try await store.promote(entries, sparing: [], marker: "m", under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(error?.because == "version 3 is not what was staged")
    #expect(try await store.read("KEY").isSame(as: leaked))
  }

  @Test func `without an alias nothing can lie ready, which is said`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await world.store().stage(
        [StoreEntry("KEY", fresh, replacing: [])], marker: "m", under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(error?.fix?.contains("alias") == true)
  }

  // MARK: rights

  @Test func `doctor asks secret by secret, both ways`() async throws {
    write("v")
    let store = try world.store(["known": ["KEY"]])
    let enough: Set<String> = [
      "secretmanager.secrets.get", "secretmanager.versions.add", "secretmanager.versions.access",
      "secretmanager.versions.list", "secretmanager.versions.disable",
    ]
    func missing() async -> [String] {
      await store.readiness().compactMap {
        if case .missing(let because, _) = $0.verdict { because } else { nil }
      }
    }
    world.set { $0.permissions = enough }
    #expect(await missing().isEmpty)
    world.set { $0.permissions = enough.subtracting(["secretmanager.versions.disable"]) }
    #expect(await missing() == ["the runner lacks secretmanager.versions.disable"])
    world.set { $0.permissions = enough.union(["secretmanager.secrets.setIamPolicy"]) }
    #expect(await missing() == ["the runner has secretmanager.secrets.setIamPolicy, which no run needs"])
    let unasked = try world.store()
    guard case .unknown? = await unasked.readiness().first?.verdict else {
      Issue.record("rights that nobody asked for count as ready")
      return
    }
  }

  @Test func `a secret has one name for stores and providers`() throws {
    #expect(try world.store().resource(of: "KEY")?.rawValue == "gcp:projects/shop-project/secrets/KEY")
  }
}
