import Capabilities
import Foundation
import JSON
import SecretStores
import Secrets
import TestSupport
import Testing

/// Against the simulator of ``KeyVaultWorld``, over libcurl.
@Suite struct AzureKeyVaultTests {
  private let world: KeyVaultWorld
  private let leaked = Secret("leaked-value-0123456789")
  private let fresh = Secret("fresh-value-9876543210")

  init() throws { world = try KeyVaultWorld() }

  private func write(_ texts: String..., to name: String = "KEY") {
    world.set { $0.secrets[name, default: []] += texts.map { KeyVaultWorld.Version(value: $0) } }
  }

  private func replace(_ store: AzureKeyVault) async throws -> String {
    try await store.put(
      "KEY", fresh, replacing: [leaked], sparing: [], marker: "staunch-run-1", under: .forTests())
  }

  private var states: [Bool] { world.secrets["KEY"]?.map(\.isEnabled) ?? [] }

  @Test func `tags and content type stay, the old version is disabled, and can be moved back to`()
    async throws
  {
    write("before", leaked.exposeAsText())
    world.set {
      $0.secrets["KEY"]?[1].tags = ["team": "shop"]
      $0.secrets["KEY"]?[1].contentType = "text/plain"
    }
    let store = try world.store()
    #expect(try await replace(store) == KeyVaultWorld.id(2))
    let made = try #require(world.secrets["KEY"]?.last)
    #expect(made.tags == ["team": "shop", "rotated-by": "staunch-run-1"])
    #expect(made.contentType == "text/plain")
    #expect(states == [true, false, true])
    #expect(
      try await store.versions(of: "KEY").map { "\($0.id.prefix(2)) \($0.isCurrent) \($0.isReadable)" } == [
        "v3 true true", "v2 false false", "v1 false true",
      ])
    _ = try await store.moveBack("KEY", to: KeyVaultWorld.id(1), under: .forTests())
    #expect(try await store.read("KEY").isSame(as: leaked))
    let error = await #expect(throws: CapabilityError.self) {
      try await store.moveBack("KEY", to: "ffff", under: .forTests())
    }
    #expect(error?.class == .notFound)
  }

  @Test func `a lost reply is settled by looking, and nothing is set twice`() async throws {
    write(leaked.exposeAsText())
    world.set { $0.lostReplies = 1 }
    _ = try await replace(try world.store())
    #expect(world.changes == ["set KEY", "disable KEY/1"])
  }

  /// Key Vault compares nothing before it writes.
  @Test func `a version that somebody sets just before ours is a former one, and there to be seen`()
    async throws
  {
    write(leaked.exposeAsText())
    world.set {
      $0.lostReplies = 1
      $0.interloper = { $0["KEY"]?.append(KeyVaultWorld.Version(value: "theirs")) }
    }
    _ = try await replace(try world.store())
    #expect(world.secrets["KEY"]?.map(\.value) == [leaked.exposeAsText(), "theirs", fresh.exposeAsText()])
  }

  @Test func `a deleted secret keeps its name, which is said`() async throws {
    world.set { $0.deleted = ["KEY"] }
    let error = await #expect(throws: CapabilityError.self) { try await replace(try world.store()) }
    #expect(error?.class == .conflict)
    #expect(error?.fix?.contains("az keyvault secret recover") == true)
  }

  @Test func `too many calls change nothing, and a disabled secret cannot be read`() async throws {
    write(leaked.exposeAsText())
    world.set { $0.tooMany = 1 }
    let error = await #expect(throws: CapabilityError.self) { try await replace(try world.store()) }
    #expect(error?.class == .rateLimit)
    #expect(error?.retryAfter == .seconds(7))
    #expect(world.changes.isEmpty)
    world.set { $0.secrets["KEY"]?[0].isEnabled = false }
    #expect(try await world.store().currentVersion("KEY") == nil)
  }

  @Test func `what is staged is read by nobody until it is promoted, and another's is not used`() async throws
  {
    write(leaked.exposeAsText())
    let store = try world.store()
    let entries = [StoreEntry("KEY", fresh, replacing: [leaked])]
    for _ in 0..<2 { try await store.stage(entries, marker: "run-1", under: .forTests()) }
    #expect(world.changes == ["set KEY-run-1"])
    #expect(try await store.read("KEY").isSame(as: leaked))
    _ = try await store.promote(entries, sparing: [], marker: "run-1", under: .forTests())
    #expect(try await store.read("KEY").isSame(as: fresh))
    #expect(world.secrets["KEY-run-1"]?.map(\.isEnabled) == [false])
    let gone = await #expect(throws: CapabilityError.self) {
      try await store.promote(entries, sparing: [], marker: "run-1", under: .forTests())
    }
    #expect(gone?.class == .notFound)
    try await store.stage(entries, marker: "run-2", under: .forTests())
    world.set { $0.secrets["KEY-run-2"] = [KeyVaultWorld.Version(value: "theirs")] }
    let error = await #expect(throws: CapabilityError.self) {
      try await store.promote(entries, sparing: [], marker: "run-2", under: .forTests())
    }
    #expect(error?.class == .conflict)
  }

  /// The threat: an answer that names another address for its next page.
  @Test func `the next page is asked of the vault itself`() async throws {
    write("a", "b", "c", "d")
    #expect(try await world.store().versions(of: "KEY").count == 4)
  }

  @Test func `doctor says what it could ask and what not`() async throws {
    write("v")
    let found = try await world.store(["known": ["KEY"]]).readiness()
    #expect(found.first == Readiness("reading KEY", .ready("get and list")))
    guard case .unknown? = found.last?.verdict else {
      Issue.record("writing counts as asked")
      return
    }
  }
}
