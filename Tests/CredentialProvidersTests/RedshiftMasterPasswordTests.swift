import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import RESTClient
import Secrets
import TestSupport
import Testing

/// On moto, whose clusters hold no database: what is set, and that nothing is called dead that nobody could try.
@Suite(.timeLimit(.minutes(3))) struct RedshiftMasterPasswordTests {
  @Test func `the password is set at the cluster, and no verdict is made of what cannot be tried`()
    async throws
  {
    let moto = try MotoServer()
    defer { moto.stop() }
    let secrets = ["env:ID": Secret("AKIAIOSFODNN7EXAMPLE"), "env:SECRET": Secret("secret")]
    let settings: [String: JSONValue] = [
      "cluster": "lake", "region": "us-east-1", "base_url": .string(moto.url), "access_key_id": "env:ID",
      "secret_access_key": "env:SECRET",
    ]
    func target(_ more: [String: JSONValue] = [:]) -> TargetConfiguration {
      TargetConfiguration(
        name: "lake", kind: RedshiftMasterPassword.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1")
    }
    let environment = AdapterEnvironment.forTests(http: CurlTransport(), secrets: secrets)
    let client = AWSClient(try .init(target()), in: environment)
    try await client.change(
      .redshift, "CreateCluster",
      [
        ("ClusterIdentifier", "lake"), ("NodeType", "ra3.large"), ("MasterUsername", "etl"),
        ("MasterUserPassword", "Leaked-0ne"),
      ], under: .forTests())
    let provider = try RedshiftMasterPassword(target(), in: environment)
    #expect(try await provider.subject(of: Leak(handle: "etl")).identity.rawValue == "lake")
    #expect(
      try await provider.subject(of: Leak(Secret("Leaked-0ne")), isAccountsOwn: true).identity.rawValue
        == "lake")
    #expect(try await provider.inspect(CredentialRef("lake")).facts["owner"] == "master user etl of lake")
    let issued = try await provider.issue(
      IssueOrder(marker: "m", generated: try provider.generate()), under: .forTests())
    #expect(issued.ref.rawValue == "lake")
    let probe = try await provider.verify(Secret("Leaked-0ne"), ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.code.contains("nobody here can log in to Redshift safely"))
    let sessions = await #expect(throws: CapabilityError.self) {
      _ = try await provider.endSessions(issued.ref, before: Date(), under: .forTests())
    }
    #expect(sessions?.fix?.contains("stv_sessions") == true)
    let other = try RedshiftMasterPassword(target(["cluster": "sea"]), in: environment)
    let error = await #expect(throws: CapabilityError.self) { _ = try await other.state() }
    #expect(error?.class == .notFound)
  }
}
