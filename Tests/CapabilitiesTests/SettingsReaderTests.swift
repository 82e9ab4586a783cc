import Capabilities
import JSON
import Testing

/// Settings are written once, where they are read.
@Suite struct SettingsReaderTests {
  private struct Settings: AdapterSettings {
    let base: String
    let user: String
    let key: String
    let mode: String
    let limit: Int?
    let names: [String]
    let trust: ServerTrust?
    let propagation: Duration

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://api.example")
      user = try read.text("user", "whose it is")
      key = try read.reference("key", "the runner's own")
      mode = try read.word("mode", of: ["on", "off"], default: "on", "how")
      limit = try read.integer("limit", "how many")
      names = try read.texts("names", "which")
      try read.check(user != "root", "user is root", fix: "name another")
      trust = try read.trust()
      propagation = try read.propagation(.seconds(60))
    }
  }

  private func read(_ settings: [String: JSONValue]) throws(CapabilityError) -> Settings {
    try Settings(TargetConfiguration(name: "it", kind: "k", settings: settings, position: "s.yaml:3:1"))
  }

  @Test func `the declarations are what the initialiser reads, with the defaults`() {
    let found = Settings.declarations
    #expect(
      found.map(\.key) == [
        "base_url", "user", "key", "mode", "limit", "names", "tls_ca", "tls_certificate", "tls_key",
        "propagation_seconds",
      ])
    #expect(found.filter(\.isRequired).map(\.key) == ["user", "key"])
    #expect(found.filter(\.isSecretReference).map(\.key) == ["key"])
    #expect(found[0].summary == "where its API is; `https://api.example` when absent")
  }

  @Test func `an entry is read with what it leaves out`() throws {
    let settings = try read(["user": "app", "key": "env:K", "base_url": "https://x.example/"])
    #expect(settings.base == "https://x.example" && settings.mode == "on" && settings.limit == nil)
    #expect(settings.names.isEmpty && settings.trust == nil && settings.propagation == .seconds(60))
  }

  @Test(
    arguments: [
      ["key": "env:K"], ["user": "app", "key": "env:K", "mode": "maybe"], ["user": "root", "key": "env:K"],
      ["user": "app", "key": "env:K", "limit": "many"], ["user": "app", "key": "env:K", "tls_key": "k.pem"],
      ["user": "app", "key": "env:K", "propagation_seconds": -1],
    ] as [[String: JSONValue]])
  func `a wrong entry is refused at its place`(settings: [String: JSONValue]) {
    let error = #expect(throws: CapabilityError.self) { try read(settings) }
    #expect(error?.class == .configuration)
    #expect(error?.operation == "s.yaml:3:1: it")
  }
}
