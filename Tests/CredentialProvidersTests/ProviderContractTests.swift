import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import LocalSystem
import PostgresClient
import Secrets
import Synchronization
import TestSupport
import Testing

/// What every provider promises, each with its own way to a living credential.
@Suite struct ProviderContractTests {
  /// A provider with a credential that is alive now.
  struct Subject: Sendable {
    let provider: any CredentialProvider
    let leaked: Secret
    /// What must stay alive as long as the test runs.
    let world: [any Sendable]
  }

  /// One world for each kind of the registry.
  private static func subject(_ kind: String) async throws -> Subject {
    switch kind {
    case PostgresRole.kind:
      let server = try PostgresServer.shared()
      let role = try await server.makeRole()
      let rotator = try await server.makeRole("LOGIN CREATEROLE IN ROLE pg_signal_backend, pg_read_all_stats")
      let settings: [String: JSONValue] = [
        "host": .string(server.host), "port": .integer(server.port), "database": .string(server.database),
        "role": .string(role.user), "admin_user": .string(rotator.user), "admin_password": "env:A",
      ]
      return Subject(
        provider: try make(kind, settings, ["env:A": try #require(rotator.password)]),
        leaked: try #require(role.password), world: [server])
    case OpenAIProject.kind:
      let api = try OpenAISimulation()
      let key = api.addKey()
      return Subject(
        provider: try make(
          kind,
          ["base_url": .string(api.url), "project": .string(api.project), "admin_key": "env:A"],
          ["env:A": Secret(api.adminKey)]),
        leaked: Secret(key.value), world: [api])
    case RedisUser.kind:
      let server = try RedisServer.shared()
      let user = try await server.makeUser()
      return Subject(
        provider: try make(
          kind,
          [
            "socket": .string(server.socket), "user": .string(user.name), "admin_user": "admin",
            "admin_password": "env:A",
          ], ["env:A": server.adminPassword]),
        leaked: user.password, world: [server])
    case GenericCredential.kind:
      let leaked = "leaked-\(UUID().uuidString)"
      let fresh = "fresh-\(UUID().uuidString)"
      let revoked = Flag()
      let server = try LoopbackServer { request in
        let bearer = request.headers["authorization"]
        if request.path == "/revoke" {
          revoked.set()
          return .answer(204)
        }
        return .answer(
          bearer == "Bearer \(fresh)" || (bearer == "Bearer \(leaked)" && !revoked.isSet) ? 200 : 401)
      }
      return Subject(
        provider: try make(
          kind,
          [
            "replacement": "env:NEW", "verify": ["url": .string(server.url + "/whoami")],
            "revoke": ["url": .string(server.url + "/revoke"), "credential": "leaked"],
          ], ["env:NEW": Secret(fresh)]),
        leaked: Secret(leaked), world: [server])
    default:
      throw SupervisedServer.Failure(description: "no world for \(kind): add one to the contract suite")
    }
  }

  private static func make(_ kind: String, _ settings: [String: JSONValue], _ secrets: [String: Secret])
    throws
    -> any CredentialProvider
  {
    try CredentialProviderRegistry.make(
      TargetConfiguration(name: "it", kind: kind, settings: settings, position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(), postgres: PostgresConnector(),
        processes: SubprocessRunner(environment: ["PATH": "/usr/bin:/bin"], redact: { $0 }), secrets: secrets)
    )
  }

  private static var kinds: [String] { CredentialProviderRegistry.all.map { $0.kind } }

  @Test(arguments: kinds)
  func `a rotation ends with the old one dead and the new one alive`(kind: String) async throws {
    let it = try await Self.subject(kind)
    let ref = try await it.provider.identify(it.leaked)
    #expect(try await it.provider.verify(it.leaked, ref: ref).state == .alive)
    let issued = try await it.provider.issue(
      marker: "staunch-1", generated: try it.provider.generate(), under: .forTests())
    #expect(!issued.secret.isSame(as: it.leaked))
    #expect((issued.ref == ref) == (it.provider.capabilities.overlap == .none))
    try await it.provider.disable(ref, leaked: it.leaked, replacedBy: issued.ref, under: .forTests())
    #expect(try await it.provider.verify(it.leaked, ref: ref).state == .dead)
    #expect(try await it.provider.verify(issued.secret, ref: issued.ref).state == .alive)
    // Repeating is safe.
    try await it.provider.disable(ref, leaked: it.leaked, replacedBy: issued.ref, under: .forTests())
    #expect(try await it.provider.verify(issued.secret, ref: issued.ref).state == .alive)
  }

  @Test(arguments: kinds)
  func `contained before it is replaced, it is dead`(kind: String) async throws {
    let it = try await Self.subject(kind)
    let ref = try await it.provider.identify(it.leaked)
    try await it.provider.disable(ref, leaked: it.leaked, replacedBy: nil, under: .forTests())
    #expect(try await it.provider.verify(it.leaked, ref: ref).state == .dead)
  }

  @Test(arguments: kinds)
  func `only a generated secret is made before the call, anew each time`(kind: String) async throws {
    let it = try await Self.subject(kind)
    let (first, second) = (try it.provider.generate(), try it.provider.generate())
    guard it.provider.capabilities.issuing == .generated else {
      #expect(first == nil)
      return
    }
    let (one, other) = (try #require(first), try #require(second))
    #expect(!one.isSame(as: other))
    #expect(one.exposeAsBytes().count >= 32)
  }

  @Test(arguments: kinds)
  func `facts and reports hold no secret`(kind: String) async throws {
    let it = try await Self.subject(kind)
    let ref = try await it.provider.identify(it.leaked)
    let redactor = Redactor()
    redactor.register(it.leaked)
    let text =
      "\(ref) \(it.provider.lock) \(try await it.provider.inspect(ref).facts) "
      + "\(try await it.provider.searchAbuse(ref, since: Date(timeIntervalSince1970: 1_780_000_000)))"
    #expect(!redactor.finds(in: Array(text.utf8)))
  }

  @Test(arguments: kinds)
  func `every setting that must be a reference is declared, and required ones are required`(kind: String)
    throws
  {
    let type = try #require(CredentialProviderRegistry.all.first { $0.kind == kind })
    #expect(Set(type.settings.map(\.key)).count == type.settings.count)
    #expect(!type.summary.isEmpty)
    for setting in type.settings where setting.isRequired {
      #expect(throws: CapabilityError.self) { try Self.make(kind, [:], [:]) }
    }
  }

  @Test func `an unknown kind names the known ones`() {
    let error = #expect(throws: CapabilityError.self) { try Self.make("postgress", [:], [:]) }
    #expect(error?.class == .configuration)
    #expect(error?.fix?.contains("postgres") == true)
  }
}

/// Something that happens once.
private final class Flag: Sendable {
  private let state = Atomic(false)
  var isSet: Bool { state.load(ordering: .sequentiallyConsistent) }
  func set() { state.store(true, ordering: .sequentiallyConsistent) }
}
