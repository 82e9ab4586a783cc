import Capabilities
import Consumers
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import RESTClient
import Secrets
import TestSupport
import Testing

/// A pipeline on ECS with short-lived credentials for S3 and Redshift: the session of a task leaked. On MiniStack, which gives
/// tasks no sessions: the test draws what a task would draw. What CloudTrail tells is written from its documentation.
@Suite struct ECSPipelineTests {
  private let server: MiniStackServer
  private let role = MiniStackServer.name("etl")
  private let cluster = MiniStackServer.name("pipeline")
  private let bucket = MiniStackServer.name("lake")

  init() async throws {
    server = try MiniStackServer.shared()
    try await server.makeBucket(bucket)
    try await server.makeRole(
      role,
      policy: """
        {"Version":"2012-10-17","Statement":[
          {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::\(bucket)"},
          {"Effect":"Allow","Action":"redshift:GetClusterCredentials","Resource":"*"}]}
        """)
    try await ecs("CreateCluster", ["clusterName": .string(cluster)])
    try await ecs(
      "RegisterTaskDefinition",
      [
        "family": .string(cluster), "taskRoleArn": .string("arn:aws:iam::000000000000:role/\(role)"),
        "containerDefinitions": [["name": "a", "image": "none", "memory": 16]],
      ])
    try await ecs(
      "CreateService",
      [
        "cluster": .string(cluster), "serviceName": "load", "taskDefinition": .string(cluster),
        "desiredCount": 1,
      ])
  }

  private func ecs(_ action: String, _ body: JSONValue) async throws {
    try await server.call("ecs", "AmazonEC2ContainerServiceV20141113.\(action)", body)
  }

  private var runner: [String: JSONValue] {
    [
      "region": "us-east-1", "base_url": .string(server.url), "access_key_id": "env:ID",
      "secret_access_key": "env:SECRET",
    ]
  }
  private var secrets: [String: Secret] {
    ["env:ID": Secret(server.root.accessKeyID), "env:SECRET": server.root.secretAccessKey]
  }

  private func provider(_ http: any HTTPTransport) throws -> AWSRoleSession {
    let own: [String: JSONValue] = [
      "role": .string(role), "probe": "s3:ListBucket", "probe_resource": .string(bucket),
      "propagation_seconds": 0,
    ]
    return try AWSRoleSession(
      TargetConfiguration(
        name: "etl", kind: AWSRoleSession.kind, settings: runner.merging(own) { _, new in new },
        position: "staunch.yaml:1:1"), in: .forTests(http: http, secrets: secrets))
  }

  private func service() throws -> any Consumer {
    let own: [String: JSONValue] = ["cluster": .string(cluster), "service": "load"]
    return try ConsumerRegistry.make(
      TargetConfiguration(
        name: "load", kind: ECSService.kind, settings: runner.merging(own) { _, new in new },
        position: "staunch.yaml:2:1"), in: .forTests(http: CurlTransport(), secrets: secrets))
  }

  private static func text(_ keys: AWSKeys) -> Secret {
    Secret(
      "\(keys.accessKeyID):\(keys.secretAccessKey.exposeAsText()):\(keys.sessionToken?.exposeAsText() ?? "")")
  }

  @Test func `the leaked session ends, its login of Redshift is named, and the new tasks go on`() async throws
  {
    let leaked = try await server.takeRole(role)
    // Tokens are dated to the second, by a clock that cannot be set.
    try await Task.sleep(for: .milliseconds(1050))
    let trail = [
      TrailEvent(
        "GetClusterCredentials", by: leaked.accessKeyID, role: role,
        request: ["clusterIdentifier": "lake", "dbUser": "etl", "autoCreate": true])
    ]
    let provider = try provider(Doctored.trail(trail))
    let leak = Leak(Self.text(leaked), handle: leaked.accessKeyID)
    let ref = try await provider.identify(leak).identity
    #expect(try await provider.verify(Self.text(leaked), ref: ref).state == .alive)
    #expect(
      try await provider.successors(ref, since: nil).found.map(\.what) == ["login of Redshift lake/etl"])

    let drawn = try await provider.issue(IssueOrder(marker: "m", replacing: leak), under: .forTests())
    let service = try service()
    try await service.rollOut(marker: "m", under: .forTests())
    let task = try await server.takeRole(role)
    try await provider.disable(ref, leak: leak, replacedBy: drawn.ref, under: .forTests())

    #expect(try await provider.verify(Self.text(leaked), ref: ref).state == .dead)
    #expect(try await provider.verify(drawn.secret, ref: drawn.ref).state == .alive)
    #expect(try await provider.verify(Self.text(task), ref: nil).state == .alive)
    #expect(try await service.health().state == .healthy)
  }
}
