import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// On a real etcd: what `playbooks/providers/etcd.yaml` says of it.
@Suite struct EtcdTests {
  private let server: EtcdServer

  init() async throws { server = try await EtcdServer.shared() }

  /// On a server of its own: who changes users elsewhere makes a write that is under way fail ("revision of auth store is old").
  @Test func `tokens die with the password, and a watch that is open goes on`() async throws {
    let server = try await EtcdServer()
    let user = try await server.makeUser()
    let provider = try server.provider(of: user.name)
    let token = try await server.token(user.name, user.password)
    // "m", and the values "1" and "2", in base64.
    let watch = try server.watch("bQ==", as: token)
    try await server.put("bQ==", "MQ==")
    try await watch.sees("MQ==")
    let issued = try await provider.issue(
      IssueOrder(marker: "it", generated: try provider.generate()), under: .forTests())
    #expect(try await server.answer("/v3/kv/range", ["key": "bQ=="], as: token).status == 401)
    let probe = try await provider.verify(user.password, ref: nil)
    #expect(probe.state == .dead)
    #expect(try await provider.verify(issued.secret, ref: nil).state == .alive)
    // The trap: whoever watched before reads on.
    try await server.put("bQ==", "Mg==")
    try await watch.sees("Mg==")
    // Nobody can end it, and that is said.
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.endSessions(CredentialRef(user.name), before: Date(), under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(error?.fix?.contains("watches that are open: they go on until the connection ends") == true)
  }

  /// Where authentication is off everybody may do everything: that is no death of a password.
  @Test func `no verdict comes of a server whose authentication is off`() async throws {
    let open = try await EtcdServer()
    let user = try await open.makeUser()
    try await open.call("/v3/auth/disable", [:])
    let provider = try open.provider(of: user.name)
    let probe = try await provider.verify(Secret("whatever"), ref: nil)
    #expect(probe == CredentialProbe(.unknown, code: "412"))
  }

  @Test func `a user that there is not is said, and doctor names a runner without the role root`()
    async throws
  {
    let user = try await server.makeUser()
    let poor = await (try server.provider(of: user.name, as: user)).readiness()
    #expect(poor.first?.what == "the role root")
    if case .missing? = poor.first?.verdict {} else { Issue.record("\(poor)") }
    let provider = try server.provider(of: user.name)
    let ready = await provider.readiness()
    if case .ready? = ready.first?.verdict {} else { Issue.record("\(ready)") }
    try await provider.delete(CredentialRef(user.name), under: .forTests())
    #expect(try await provider.verify(user.password, ref: nil).state == .dead)
    // It is gone already: nothing is left to stop.
    try await provider.disable(
      CredentialRef(user.name), leak: Leak(user.password), replacedBy: nil, under: .forTests())
  }
}

@Suite struct EtcdContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(EtcdFixture.self)
  }
}

private struct EtcdFixture: ContractFixture {
  static let against = "a real server"
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let server = try await EtcdServer.shared()
    let user = try await server.makeUser()
    return Self(
      provider: try server.provider(of: user.name), leak: Leak(user.password, handle: user.name))
  }
}

extension EtcdServer {
  fileprivate func put(_ key: String, _ value: String) async throws {
    try await call("/v3/kv/put", ["key": .string(key), "value": .string(value)])
  }

  /// - Parameter runner: another one than root.
  fileprivate func provider(of user: String, as runner: (name: String, password: Secret)? = nil) throws
    -> any CredentialProvider
  {
    try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "settings", kind: "etcd",
        settings: [
          "base_url": .string(url), "username": .string(user), "admin": .string(runner?.name ?? admin),
          "admin_password": "env:ADMIN",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:ADMIN": runner?.password ?? adminPassword]))
  }
}
