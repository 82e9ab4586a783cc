import Capabilities
import Incidents
import StaunchConfiguration
import Synchronization
import Testing

/// The words for kinds that staunch.yaml may use.
@Suite struct KindWordTests {
  private static func read(_ text: String) throws(ConfigurationError) -> Configuration {
    try ConfigurationReader.read(
      "staunch: 1\n" + text, file: "staunch.yaml", directory: "/",
      catalogue: AdapterCatalogue(credentials: ["generic": []], stores: [:], consumers: [:], trackers: [:]))
  }

  @Test(arguments: [
    ("github", ["github_pat_classic", "github_pat_fine_grained", "github_app_token", "github_oauth_token"]),
    ("aws", ["aws_access_key", "aws_session_token", "aws_bedrock_api_key"]),
    ("openai_api_key", ["openai_api_key"]),
  ])
  func `a family is all kinds of one provider`(word: String, kinds: [String]) throws {
    let configuration = try Self.read("routes:\n  - {when: {kind: \(word)}, playbook: p}\n")
    #expect(configuration.routes.first?.kinds == kinds)
  }

  @Test(arguments: [
    "routes:\n  - {when: {kind: github_pat}, playbook: p}\n", "policy: {critical_kinds: [github_pat]}\n",
    "credentials:\n  x: {kind: generic, leaks: [github_pat]}\n",
  ])
  func `a word that is no kind is an error with the nearest one`(text: String) {
    let error = #expect(throws: ConfigurationError.self) { try Self.read(text) }
    #expect(error?.problems.first?.message == "there is no kind \"github_pat\"")
    #expect(error?.problems.first?.suggestion?.contains("github_pat_classic") == true)
  }

  @Test(arguments: [
    ("source", "gitlaeks", "gitleaks"), ("source", "[gitleaks, githb]", "github"),
    ("validity", "actve", "active"),
  ])
  func `a condition that no report can meet is an error with the nearest word`(
    key: String, word: String, nearest: String
  ) {
    let error = #expect(throws: ConfigurationError.self) {
      try Self.read("routes:\n  - {when: {\(key): \(word)}, playbook: p}\n")
    }
    #expect(error?.problems.map(\.message.description).first?.hasPrefix("there is no \(key) \"") == true)
    #expect(error?.problems.first?.suggestion?.contains(nearest) == true)
  }

  @Test func `fields of a credential may have entries of their own, and not beside one for all of it`() throws
  {
    let store = "stores:\n  s: {kind: m}\n"
    let catalogue = AdapterCatalogue(
      credentials: ["generic": []], stores: ["m": []], consumers: [:], trackers: [:])
    func read(_ keys: String) throws(ConfigurationError) -> Configuration {
      try ConfigurationReader.read(
        "staunch: 1\n\(store)credentials:\n  x: {kind: generic, store: s, \(keys)}\n", file: "f",
        directory: "/",
        catalogue: catalogue)
    }
    #expect(try read("keys: {id: A, secret: B}").credentials["x"]?.keys == ["id": "A", "secret": "B"])
    #expect(throws: ConfigurationError.self) { try read("key: K, keys: {id: A}") }
  }

  @Test func `what a file describes is read for the entry that has its kind, and for no other`() throws {
    let asked = Mutex<[String]>([])
    let catalogue = AdapterCatalogue(
      credentials: ["generic": []], stores: [:], consumers: [:], trackers: [:],
      described: AdapterCatalogue.Described(kinds: ["broken", "slack", "stripe"]) {
        kind throws(CapabilityError) in
        asked.withLock { $0.append(kind) }
        switch kind {
        case "broken":
          throw CapabilityError(.configuration, "read broken.yaml", because: "no verify", fix: "mend it")
        case "slack": return ([SettingDeclaration("team", required: true, "the team")], false)
        case "stripe": return ([], true)
        default: return nil
        }
      })
    func read(_ entry: String) throws(ConfigurationError) -> Configuration {
      try ConfigurationReader.read(
        "staunch: 1\ncredentials:\n  x: {\(entry)}\npolicy: {calls: {slack: {per_second: 2}}}\n", file: "f",
        directory: "/", catalogue: catalogue)
    }
    #expect(try read("kind: generic").guidedKinds == ["generic"])
    #expect(asked.withLock { $0 } == [])
    #expect(try read("kind: stripe").guidedKinds == ["generic", "stripe"])
    #expect(try read("kind: slack, team: T").guidedKinds == ["generic"])
    #expect(asked.withLock { $0 } == ["stripe", "slack"])
    let lacking = #expect(throws: ConfigurationError.self) { try read("kind: slack") }
    #expect(lacking?.problems.first?.message.contains("\"team\"") == true)
    let broken = #expect(throws: ConfigurationError.self) { try read("kind: broken") }
    #expect(
      broken?.problems.map(\.description) == [
        "f:3:13: the kind \"broken\" cannot be used: read broken.yaml: no verify\n  fix: mend it"
      ])
    let unknown = #expect(throws: ConfigurationError.self) { try read("kind: stripee") }
    #expect(unknown?.problems.first?.suggestion?.contains("stripe") == true)
  }
}
