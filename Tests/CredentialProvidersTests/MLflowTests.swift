import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// On a real MLflow with three workers (`make test-heavy`): what `playbooks/providers/mlflow.yaml` says of it.
@Suite(.enabled(if: MLflowServer.isWanted, "\(MLflowServer.notice)"))
struct MLflowTests {
  /// The trap: each worker remembers a right login for a minute. A row of refusals ends with an acceptance until all of them have
  /// forgotten it, and never lasts as long as the file's propagation time, which a proof of death has to.
  @Test
  func `three workers accept and refuse the old password in turn, and no row of refusals is long enough`()
    async throws
  {
    let server = try MLflowServer(remembers: .seconds(60))
    let user = try await server.makeUser()
    // Every worker learns it: the kernel hands connections out by chance.
    for _ in 0..<60 { #expect(try await server.login(user.name, user.password) == 200) }
    let provider = try server.provider(of: user.name)
    _ = try await provider.issue(
      IssueOrder(marker: "it", generated: try provider.generate()), under: .forTests())
    let clock = ContinuousClock()
    let changed = clock.now
    var acceptance: ContinuousClock.Instant?
    var row = Duration.zero
    var refused: ContinuousClock.Instant?
    var statuses: Set<Int> = []
    while clock.now - changed < .seconds(80) {
      statuses.insert(try await server.login(user.name, user.password))
      let probe = try await provider.verify(user.password, ref: nil)
      #expect(probe.state != .unknown, "\(probe)")
      if probe.state == .alive {
        acceptance = clock.now
        if let refused { row = max(row, clock.now - refused) }
        refused = nil
      } else if refused == nil {
        refused = clock.now
      }
    }
    #expect(statuses == [200, 401], "it was accepted and refused")
    let last = try #require(acceptance, "no worker remembered it")
    #expect(last - changed <= .seconds(70), "a worker remembers for a minute, and not for ever")
    #expect(row < provider.capabilities.propagation, "a proof would have begun too early")
    #expect(try await provider.verify(user.password, ref: nil).state == .dead)
  }

  @Test func `the user's own change is another call, and doctor wants an administrator`() async throws {
    let server = try MLflowServer.shared()
    let user = try await server.makeUser()
    let ready = await (try server.provider(of: user.name)).readiness()
    #expect(ready.first?.what == "administrator")
    if case .ready? = ready.first?.verdict {} else { Issue.record("\(ready)") }
    let poor = await (try server.provider(of: user.name, as: user)).readiness()
    if case .missing? = poor.first?.verdict {} else { Issue.record("\(poor)") }
    let provider = try server.provider(of: user.name)
    let wrong = try await provider.verify(Secret("another-password"), ref: nil)
    #expect(wrong.state == .dead)
    #expect((wrong.evidence?.controls ?? 0) > 0, "the administrator is accepted between the refusals")
  }
}

@Suite(.enabled(if: MLflowServer.isWanted, "\(MLflowServer.notice)"))
struct MLflowContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(MLflowFixture.self)
  }
}

private struct MLflowFixture: ContractFixture {
  static let against = "a real server"
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let server = try MLflowServer.shared()
    let user = try await server.makeUser()
    return Self(
      provider: try server.provider(of: user.name), leak: Leak(user.password, handle: user.name))
  }
}

extension MLflowServer {
  /// - Parameter runner: another one than the administrator.
  fileprivate func provider(of user: String, as runner: (name: String, password: Secret)? = nil) throws
    -> any CredentialProvider
  {
    try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "models", kind: "mlflow",
        settings: [
          "base_url": .string(url), "username": .string(user), "admin": .string(runner?.name ?? admin),
          "admin_password": "env:ADMIN",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:ADMIN": runner?.password ?? adminPassword]))
  }
}
