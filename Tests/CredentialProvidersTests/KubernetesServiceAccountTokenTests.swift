import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// Exchanges written from the API reference, in a simulation whose tokens die with what they are bound to.
@Suite struct KubernetesServiceAccountTokenTests {
  private let cluster: KubernetesSimulation
  static let namespace = "/api/v1/namespaces/prod"
  private var secrets: String { Self.namespace + "/secrets" }

  init() throws { cluster = try Self.makeCluster() }

  static func makeCluster() throws -> KubernetesSimulation {
    let cluster = try KubernetesSimulation()
    cluster.put(namespace + "/serviceaccounts/deployer", ["secrets": [["name": "deployer-token"]]])
    cluster.put(namespace + "/serviceaccounts/other", [:])
    cluster.put(
      namespace + "/secrets/deployer-token",
      [
        "type": "kubernetes.io/service-account-token",
        "metadata": ["annotations": ["kubernetes.io/service-account.name": "deployer"]],
      ])
    cluster.put(namespace + "/pods/api-1", ["spec": ["serviceAccountName": "deployer"]])
    return cluster
  }

  static func provider(
    _ cluster: KubernetesSimulation, _ more: [String: JSONValue] = [:]
  ) throws -> any CredentialProvider {
    let settings: [String: JSONValue] = [
      "server": .string(cluster.url), "token": "env:TOKEN", "namespace": "prod",
      "service_account": "deployer",
    ]
    return try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "sa", kind: KubernetesServiceAccountToken.kind,
        settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:TOKEN": cluster.admin]))
  }

  private func issue(_ provider: any CredentialProvider) async throws -> IssuedCredential {
    try await provider.issue(IssueOrder(marker: "staunch-Run_1"), under: .forTests())
  }

  @Test(arguments: ["secrets/deployer-token", "pods/api-1"])
  func `the whole rotation: a new one that is bound to a Secret of its own, then the old one's object goes`(
    _ object: String
  ) async throws {
    let leaked = cluster.makeToken("prod", "deployer", boundTo: "\(Self.namespace)/\(object)")
    let provider = try Self.provider(cluster)
    let subject = try await provider.identify(Leak(leaked))
    #expect(subject.identity.rawValue.contains("deployer/\(object.replacing("s/", with: "/"))@"))
    let issued = try await issue(provider)
    #expect(cluster.object("\(secrets)/deployer-token-staunch-run-1x") != nil)
    #expect(issued.material.expiry == Date(timeIntervalSince1970: 1_796_083_200))
    for value in [leaked, issued.secret] {
      #expect(try await provider.verify(value, ref: nil).state == .alive)
    }
    for _ in 0..<2 {
      try await provider.disable(
        subject.identity, leak: Leak(leaked), replacedBy: issued.ref, under: .forTests())
    }
    let probe = try await provider.verify(leaked, ref: nil)
    #expect(probe.state == .dead && probe.word == "401 Unauthorized", "\(probe)")
    #expect(try await provider.verify(issued.secret, ref: issued.ref).state == .alive)
    try await provider.delete(issued.ref, under: .forTests())
    #expect(try await provider.verify(issued.secret, ref: nil).state == .dead)
  }

  @Test func `one that is bound to the account alone is not called stopped`() async throws {
    let leaked = cluster.makeToken("prod", "deployer")
    let provider = try Self.provider(cluster)
    let subject = try await provider.identify(Leak(leaked))
    #expect(subject.identity.rawValue == "prod/deployer/unbound")
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(subject.identity, leak: Leak(leaked), replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(try await provider.verify(leaked, ref: nil).state == .alive)
    // What a person may do ends it.
    cluster.put(Self.namespace + "/serviceaccounts/deployer", [:])
    #expect(try await provider.verify(leaked, ref: nil).state == .dead)
  }

  @Test func `a namesake that was made meanwhile is not deleted`() async throws {
    let leaked = cluster.makeToken("prod", "deployer", boundTo: Self.namespace + "/pods/api-1")
    let provider = try Self.provider(cluster)
    let subject = try await provider.identify(Leak(leaked))
    cluster.put(Self.namespace + "/pods/api-1", [:])
    try await provider.disable(subject.identity, leak: Leak(leaked), replacedBy: nil, under: .forTests())
    #expect(cluster.object(Self.namespace + "/pods/api-1") != nil)
    #expect(try await provider.verify(leaked, ref: nil).state == .dead)
  }

  @Test func `what is no token of the account, another account's and a forged one are no leak of this entry`()
    async throws
  {
    let provider = try Self.provider(cluster)
    let other = cluster.makeToken("prod", "other")
    let real = cluster.makeToken("prod", "deployer")
    let forged = Secret(real.exposeAsText().dropLast(4) + "AAAA")
    for value in [cluster.admin, other, forged] {
      let error = await #expect(throws: CapabilityError.self) { try await provider.identify(Leak(value)) }
      #expect(error?.class == .notFound)
    }
  }

  @Test func `a refusal that the cluster does not confirm is unknown`() async throws {
    let leaked = cluster.makeToken("prod", "deployer", boundTo: Self.namespace + "/pods/api-1")
    let provider = try Self.provider(cluster)
    cluster.remove(Self.namespace + "/pods/api-1")
    cluster.deny("create tokenreviews")
    let probe = try await provider.verify(leaked, ref: nil)
    #expect(probe.state == .unknown && probe.code.contains("TokenReview could not be asked"), "\(probe)")
    let web = try LoopbackServer { _ in .answer(401) }
    let gateway = try Self.provider(cluster, ["server": .string(web.url)])
    #expect(try await gateway.verify(leaked, ref: nil).state == .unknown)
  }

  @Test func `the runner's own token is not touched`() async throws {
    let leaked = cluster.makeToken("prod", "deployer", boundTo: Self.namespace + "/pods/api-1")
    let provider = try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "sa", kind: KubernetesServiceAccountToken.kind,
        settings: [
          "server": .string(cluster.url), "token": "env:TOKEN", "namespace": "prod",
          "service_account": "deployer",
        ], position: "staunch.yaml:1:1"), in: .forTests(http: CurlTransport(), secrets: ["env:TOKEN": leaked])
    )
    let error = await #expect(throws: CapabilityError.self) { try await provider.identify(Leak(leaked)) }
    #expect(error?.class == .unsafe)
  }

  /// The entry says whom the new token is for; the leaked one may be for others.
  @Test(arguments: [[], ["vault"], ["https://kubernetes.default.svc"]], [[], ["vault"]])
  func `a token is judged for those that it was made for, whatever the next one is for`(
    _ own: [String], _ next: [JSONValue]
  ) async throws {
    let provider = try Self.provider(cluster, ["audiences": .array(next)])
    let leaked = cluster.makeToken("prod", "deployer", boundTo: Self.namespace + "/pods/api-1", for: own)
    #expect(try await provider.identify(Leak(leaked)).identity.rawValue.contains("pod/api-1@"))
    #expect(try await provider.verify(leaked, ref: nil).state == .alive)
    let issued = try await issue(provider)
    #expect(try await provider.verify(issued.secret, ref: issued.ref).state == .alive)
    cluster.remove(Self.namespace + "/pods/api-1")
    let probe = try await provider.verify(leaked, ref: nil)
    #expect(probe.state == .dead && probe.evidence?.refusals == 2, "\(probe)")
  }

  @Test func `what its holder may have made is told, and what may not be listed`() async throws {
    let leaked = cluster.makeToken("prod", "deployer", boundTo: secrets + "/deployer-token")
    let certificates = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    for (name, user) in [("mine", "deployer"), ("theirs", "other")] {
      cluster.put(
        "\(certificates)/\(name)",
        [
          "spec": ["username": .string("system:serviceaccount:prod:\(user)")],
          "status": ["certificate": "AA=="],
        ])
    }
    cluster.put(
      "\(secrets)/second",
      [
        "type": "kubernetes.io/service-account-token",
        "metadata": ["annotations": ["kubernetes.io/service-account.name": "deployer"]],
      ])
    cluster.put(
      "/apis/rbac.authorization.k8s.io/v1/namespaces/prod/rolebindings/more",
      ["subjects": [["kind": "ServiceAccount", "name": "deployer"]]])
    let provider = try Self.provider(cluster)
    let identity = try await provider.identify(Leak(leaked)).identity
    let all = try await provider.successors(identity, since: nil)
    #expect(all.covered == nil)
    #expect(
      all.found.map { String($0.ref.rawValue.prefix { $0 != "@" }) } == [
        "certificatesigningrequest/mine", "prod/deployer/secret/second", "rolebinding/more",
      ])
    #expect(all.found.first?.what.contains("cannot be revoked") == true)
    #expect(
      try await provider.successors(identity, since: Date(timeIntervalSince1970: 1_900_000_000)).found.isEmpty
    )
    cluster.deny("list secrets")
    let blind = try await provider.successors(identity, since: nil).found
    #expect(blind.contains { $0.what.hasPrefix("unknown: secrets could not be listed") })
  }

  @Test func `doctor names each right that is missing`() async throws {
    for right in ["create serviceaccounts/token", "delete pods"] { cluster.deny(right) }
    let missing = try await Self.provider(cluster).readiness().filter {
      if case .missing = $0.verdict { true } else { false }
    }
    #expect(missing.map(\.what) == ["create serviceaccounts/token deployer", "delete pods"])
  }
}

@Suite struct KubernetesServiceAccountTokenContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(KubernetesServiceAccountTokenFixture.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(KubernetesServiceAccountTokenFixture.self)
  }
}

private struct KubernetesServiceAccountTokenFixture: ContractFixture {
  static let against = "a simulation written from the reference"
  let provider: any CredentialProvider
  let leak: Leak
  private let cluster: KubernetesSimulation

  static func make() async throws -> Self {
    let cluster = try KubernetesServiceAccountTokenTests.makeCluster()
    let leaked = cluster.makeToken(
      "prod", "deployer", boundTo: KubernetesServiceAccountTokenTests.namespace + "/secrets/deployer-token")
    return Self(
      provider: try KubernetesServiceAccountTokenTests.provider(cluster), leak: Leak(leaked), cluster: cluster
    )
  }

  func loseNextReply() -> Bool {
    cluster.loseNextReply()
    return true
  }
  func refuseNextCall() -> Bool {
    cluster.refuseNextCall()
    return true
  }
}
