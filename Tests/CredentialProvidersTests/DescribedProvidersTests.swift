import Capabilities
import CredentialProviders
import HTTP
import Incidents
import JSON
import Playbooks
import Secrets
import Synchronization
import TestSupport
import Testing

/// The kinds that files describe: which there are, when a file is read, and what its pages say.
@Suite struct DescribedProvidersTests {
  @Test func `a file of a team's own wins, and takes no kind that is code`() throws {
    let source = """
      provider: 1
      kind: KIND
      summary: Ours.
      documentation: [https://docs.example.org/tokens]
      privilege: none
      survives: nothing
      base_url: https://api.example.org
      verify: {get: /me, alive: answer.status == 200, refused: answer.status == 401}
      """
    func file(_ kind: String) throws -> ProviderDescription {
      try .load(source: source.replacing("KIND", with: kind), file: "providers/\(kind).yaml")
    }
    let mine = try DescribedProviders(own: [file("slack"), file("ours")])
    #expect(try mine["slack"]?.summary == "Ours.")
    #expect(mine.isOwn("ours") && mine.isOwn("slack") && !mine.isOwn("npm"))
    #expect(try mine.entry(of: "ours")?.isGuided == true)
    #expect(throws: PlaybookError.self) { try DescribedProviders(own: [file("postgres")]) }
  }

  @Test func `pages end where the API says so, and none is asked beyond`() async throws {
    let server = try LoopbackServer { request in
      switch request.target {
      case "/keys?page=0": .json(200, #"{"keys":[{"id":"one"}],"next":"/keys?page=1"}"#)
      case "/keys?page=1": .json(200, #"{"keys":[{"id":"two"}],"next":null}"#)
      default: .json(404, "{}")
      }
    }
    let source = """
      provider: 1
      kind: paged
      summary: Paged.
      documentation: [https://docs.example.org/tokens]
      privilege: none
      survives: nothing
      verify: {get: /me, alive: answer.status == 200, refused: answer.status == 401}
      list:
        get: /keys
        as: nobody
        items: answer.body.keys
        id: ${{ item.id }}
        page: page
        first: 0
        more: has(answer.body.next)
      """
    let provider = try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "it", kind: "paged", settings: ["base_url": .string(server.url)], position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport()),
      described: DescribedProviders(own: [.load(source: source, file: "providers/paged.yaml")]))
    #expect(try await provider.existing().map(\.rawValue) == ["one", "two"])
    #expect(server.requests.count == 2)
  }

  @Test(arguments: [#"{"name":"app"}"#, "[]", ""])
  func `where what must stay is not there, nothing is sent`(_ body: String) async throws {
    let server = try LoopbackServer { _ in .json(200, body) }
    let provider = try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "queue", kind: "rabbitmq",
        settings: [
          "base_url": .string(server.url), "username": "app", "admin": "admin", "admin_password": "env:ADMIN",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:ADMIN": Secret("made-up")]))
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await provider.issue(
        IssueOrder(marker: "it", generated: try provider.generate()), under: .forTests())
    }
    #expect(error?.class == .invalid)
    #expect(error?.fix?.contains("nothing was changed") == true)
    #expect(server.requests.map(\.method) == ["GET"])
  }

  @Test func `only the file of a kind that is asked for is read, and once`() throws {
    let reads = Mutex<[String]>([])
    @Sendable func text(_ kind: String) -> String {
      reads.withLock { $0.append(kind) }
      return """
        provider: 1
        kind: \(kind)
        summary: One.
        documentation: [https://docs.example.org/tokens]
        privilege: none
        survives: nothing
        verify: {get: /me, alive: answer.status == 200, refused: answer.status == 401}
        """
    }
    let shelf = DescribedProviders(builtin: ["one": { text("one") }, "other": { text("other") }])
    #expect(shelf.kinds == ["one", "other"])
    #expect(reads.withLock { $0 } == [])
    #expect(try shelf["one"]?.seen == ProviderSource.none, "nobody said what it was compared with")
    #expect(try shelf.entry(of: "one")?.isGuided == true)
    #expect(try shelf.entry(of: "third") == nil)
    #expect(reads.withLock { $0 } == ["one"])
  }

  @Test func `a built-in file that cannot be read is an error of its kind alone`() throws {
    let shelf = DescribedProviders(builtin: [
      "bad": { "provider: 1\nkind: bad\n" },
      "good": {
        """
        provider: 1
        kind: good
        summary: One.
        documentation: [https://docs.example.org/tokens]
        privilege: none
        survives: nothing
        verify: {get: /me, alive: answer.status == 200, refused: answer.status == 401}
        """
      },
    ])
    #expect(try shelf["good"]?.summary == "One.")
    let error = #expect(throws: CapabilityError.self) { try shelf["bad"] }
    #expect(error?.class == .configuration)
    #expect(error?.operation == "read the built-in playbooks/providers/bad.yaml")
    #expect(error?.because.contains("playbooks/providers/bad.yaml:1:1") == true)
    #expect(error?.fix?.contains("bad.yaml") == true)
  }
}
