import Capabilities
import Consumers
import CredentialProviders
@testable import Drills
import Foundation
import HTTP
import Incidents
import JSON
import RESTClient
import SecretStores
import Secrets
import Simulators
import Synchronization
import TestSupport
import Testing

/// The simulated AWS of the drills over real HTTP, met by the adapters that a run has.
@Suite struct SandboxAWSTests {
  private let aws: SandboxAWS

  init() throws {
    aws = try SandboxAWS(
      user: "pipeline", rights: ["sts:AssumeRole", "s3:ListBucket"], role: "etl",
      FaultBoard([], now: { Date() }))
  }

  private func target(_ kind: String, _ more: [String: JSONValue] = [:]) -> TargetConfiguration {
    let settings: [String: JSONValue] = [
      "region": .string(aws.account.region), "base_url": .string(aws.endpoint.url),
      "access_key_id": "env:ID", "secret_access_key": "env:SECRET",
    ]
    return TargetConfiguration(
      name: "aws", kind: kind, settings: settings.merging(more) { _, new in new },
      position: "staunch.yaml:1:1")
  }

  private func environment(_ secret: String? = nil, id: String? = nil, clock: TimeInterval = 0)
    -> AdapterEnvironment
  {
    .forTests(
      http: CurlTransport(),
      secrets: ["env:ID": Secret(id ?? aws.runnerID), "env:SECRET": Secret(secret ?? aws.runnerSecret)],
      now: { Date().addingTimeInterval(clock) })
  }

  private func identity(_ environment: AdapterEnvironment) async throws -> AWSAnswer {
    try await AWSClient(try .init(target("aws_iam")), in: environment).answer(.sts, "GetCallerIdentity")
  }

  @Test func `a request is taken by its signature alone`() async throws {
    #expect(try await identity(environment()).code == nil)
    #expect(try await identity(environment("another secret")).code == "SignatureDoesNotMatch")
    #expect(try await identity(environment(id: "AKIAAAAAAAAAAAAAAAAA")).code == "InvalidClientTokenId")
    #expect(try await identity(environment(clock: -600)).isSkewed)
    let unsigned = try await CurlTransport().fetch(.get(aws.endpoint.url + "/"))
    #expect(AWSAnswer(unsigned).code == "MissingAuthenticationToken")
    aws.stop()
  }

  @Test func `a call that a user has no right to is refused in AWS's words`() async throws {
    let client = AWSClient(
      try .init(target("aws_iam")), in: environment(aws.leakedSecret, id: aws.leakedID))
    let answer = try await client.answer(.iam, "ListAccessKeys", [("UserName", "pipeline")])
    #expect(answer.isDenied)
    #expect(!answer.isExplicitlyDenied)
    aws.stop()
  }

  @Test func `a key is replaced, stopped and proven dead, and its session ends by the policy alone`()
    async throws
  {
    let provider = try AWSAccessKey(
      target(
        AWSAccessKey.kind, ["user": "pipeline", "roles": ["etl"], "propagation_seconds": 0]),
      in: environment())
    let leaked = Secret(aws.leakedSecret)
    let isOpen = try #require(aws.leak.isSessionOpen)
    let ref = try await provider.identify(Leak(leaked)).identity
    #expect(ref.rawValue == aws.leakedID)
    #expect(try await provider.verify(leaked, ref: nil).state == .alive)
    aws.account.begin()
    let issued = try await provider.issue(IssueOrder(marker: "m"), under: .forTests())
    #expect(try await provider.verify(issued.secret, ref: issued.ref).state == .alive)
    #expect(aws.replacementKeys == 1)
    #expect(aws.issuedValues == [issued.secret.exposeAsText()])
    let full = await #expect(throws: CapabilityError.self) {
      _ = try await provider.issue(IssueOrder(marker: "n"), under: .forTests())
    }
    #expect(full?.class == .conflict)

    try await provider.disable(ref, leak: Leak(leaked), replacedBy: issued.ref, under: .forTests())
    #expect(try await provider.verify(leaked, ref: ref).state == .dead)
    #expect(await aws.leak.isAccepted() == false)
    #expect(await isOpen(), "it outlives its key")
    let count = try await provider.endSessions(ref, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    #expect(await isOpen() == false)
    #expect(await aws.bystander.isAccepted())
    #expect(try await provider.successors(ref, since: Date()).found.isEmpty)
    aws.stop()
  }

  @Test func `both halves of a key move in one version, and no label is left on the one before`()
    async throws
  {
    aws.account.makeSecret(
      "app", #"{"ID":"AKIAOLD","SECRET":"leaked-value-1","URL":"x://u:leaked-value-1@h/"}"#)
    let store = try AWSSecretsManager(
      target(AWSSecretsManager.kind, ["secret_id": "app"]), in: environment())
    let entries = [
      StoreEntry("ID", Secret("AKIANEW"), replacing: []),
      StoreEntry("SECRET", Secret("new-value-22"), replacing: [Secret("leaked-value-1")]),
    ]
    _ = try await store.put(entries, sparing: [], marker: "run-1", under: .forTests())
    #expect(
      aws.account.secret("app") == [
        "ID": "AKIANEW", "SECRET": "new-value-22", "URL": "x://u:new-value-22@h/",
      ])
    #expect(try await store.copies(of: [Secret("leaked-value-1")], besides: nil).isEmpty)
    aws.stop()
  }

  @Test func `tasks of before are named until they are gone`() async throws {
    let faults = FaultBoard(
      [Fault(kind: .stragglingPart, at: .zero, times: 1)], now: { Date() })
    let parts = Stragglers(faults)
    let clock = Mutex(Date())
    let now: @Sendable () -> Date = { clock.withLock { $0 } }
    let account = SimulatedAWS(
      now: now,
      lingers: { shown in
        if let shown { parts.show(shown) }
        return parts.isDue
      })
    account.makeUser("staunch", ["*"])
    account.makeUser("pipeline", ["sts:AssumeRole"])
    account.makeRole("etl", ["s3:ListBucket"])
    let (own, key) = (
      account.makeKey(of: "staunch", secret: "s"), account.makeKey(of: "pipeline", secret: "p")
    )
    account.makeSecret("app", #"{"ID":"\#(key)"}"#)
    account.makeService("load", cluster: "c", tasks: 2, secret: "app", role: "etl", keyMember: "ID")
    let server = try LoopbackServer { await account.answer($0) }
    let service = try ConsumerRegistry.make(
      TargetConfiguration(
        name: "load", kind: ECSService.kind,
        settings: [
          "region": "eu-central-1", "base_url": .string(server.endpoint.url), "access_key_id": "env:ID",
          "secret_access_key": "env:SECRET", "cluster": "c", "service": "load",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(), secrets: ["env:ID": Secret(own), "env:SECRET": Secret("s")], now: now))
    #expect(try await service.health().state == .healthy)
    try await service.rollOut(marker: "m", under: .forTests())
    #expect(try await service.health().state == .unknown, "its tasks take time to start")
    clock.withLock { $0 += 5 }
    let stale = try await service.health()
    #expect(stale.state == .unhealthy)
    let name = try #require(parts.names.first)
    #expect(stale.evidence.contains(name), "\(stale.evidence)")
    let done = try await service.health()
    #expect(done.state == .healthy, "\(done.evidence)")
    #expect(account.tasks.count == 2)
    #expect(account.tasks.allSatisfy { $0.session != nil })
    server.stop()
  }
}
