import Capabilities
import Incidents
import StaunchConfiguration
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
}
