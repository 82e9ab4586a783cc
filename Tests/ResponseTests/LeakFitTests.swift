import Capabilities
import Foundation
import Incidents
import JSON
import Secrets
import StaunchConfiguration
import ResponseSupport
import Testing

@testable import Response

/// The right credential: what a leak says of itself must fit the entry that is rotated.
@Suite struct LeakFitTests {
  private static func configuration(_ more: String = "") throws -> Configuration {
    try ConfigurationReader.read(
      """
      staunch: 1
      credentials:
        trainer:
          kind: postgres
          host: 127.0.0.1
          port: 5432
          database: training
          role: trainer
          admin_user: rotator
          \(more)
        svc:
          kind: postgres
          host: db1
          database: app
          role: svc
          admin_user: rotator
        key:
          kind: openai
          project: proj_1
          admin_key: env:KEY
          key_id: key_7
      routes:
        - {when: {kind: postgres_uri}, playbook: database-password, credential: trainer}
        - {when: {kind: postgres_uri}, playbook: database-password, credential: svc}
      """, file: "staunch.yaml", directory: "/", catalogue: AdapterCatalogue.real)
  }

  private static func incident(_ handle: String?) throws -> Incident {
    var finding = Finding(
      source: .manual, kind: "postgres_uri", detector: Detector(rule: "uri"),
      observedAt: Date(timeIntervalSince1970: 0))
    finding.handle = handle
    finding.secret = Secret("a password")
    let key = FingerprintKey(SecretBytes(copying: Array(repeating: 1, count: 32)))
    return try #require(
      IncidentGrouping.group([finding], key: key, now: Date(timeIntervalSince1970: 0)).first)
  }

  @Test(arguments: [
    "trainer@127.0.0.1:5432/training", "trainer@localhost/training", "trainer@127.0.0.1",
    "127.0.0.1/training",
  ])
  func `a leak that says the same of itself fits, in any spelling`(handle: String) throws {
    let fit = LeakFit(configuration: try Self.configuration())
    #expect(fit.contradiction(kind: "postgres_uri", handle: handle, "trainer") == nil)
  }

  @Test(arguments: [
    ("svc@db1:5432/app", true), ("svc@127.0.0.1:5432/training", true), ("trainer@db1/training", false),
    ("trainer@127.0.0.1:5433/training", false), ("trainer@127.0.0.1:5432/other", false),
  ])
  func `another user is another account; another host, port or database may be another name`(
    handle: String, isOfAnotherAccount: Bool
  ) throws {
    let fit = LeakFit(configuration: try Self.configuration())
    let found = try #require(fit.contradiction(kind: "postgres_uri", handle: handle, "trainer"))
    #expect(found.isOfAnotherAccount == isOfAnotherAccount)
    #expect(found.because == "the leak is of \(handle), and trainer is trainer@127.0.0.1:5432/training")
  }

  @Test func `a leak that says nothing of itself contradicts nothing, and key ids are compared`() throws {
    let fit = LeakFit(configuration: try Self.configuration())
    #expect(fit.contradiction(kind: "postgres_uri", handle: nil, "trainer") == nil)
    #expect(fit.contradiction(kind: "openai_api_key", handle: "key_7", "key") == nil)
    #expect(fit.contradiction(kind: "openai_api_key", handle: "key_8", "key")?.isOfAnotherAccount == true)
  }

  @Test(arguments: [
    ("aliases: [db.internal]", "trainer@db.internal:6432/training", true),
    ("aliases: [\"db.internal:6432\"]", "trainer@db.internal:6432/training", true),
    ("aliases: [\"db.internal:6432\"]", "trainer@db.internal:5432/training", false),
    ("aliases: [\"app@pooler/all\"]", "app@pooler/all", true),
  ])
  func `an entry names its other names`(aliases: String, handle: String, fits: Bool) throws {
    let fit = LeakFit(configuration: try Self.configuration(aliases))
    #expect((fit.contradiction(kind: "postgres_uri", handle: handle, "trainer") == nil) == fits)
  }

  @Test func `the route of the credential that fits is taken, and without one a person is asked`() throws {
    let routing = Routing(configuration: try Self.configuration())
    #expect(routing.route(for: try Self.incident("svc@db1/app"))?.credential == "svc")
    #expect(routing.route(for: try Self.incident("trainer@127.0.0.1/training"))?.credential == "trainer")
    #expect(routing.route(for: try Self.incident(nil))?.credential == "trainer")
    let stranger = try Self.incident("billing@db9/app")
    #expect(routing.route(for: stranger) == nil)
    #expect(routing.misfit(for: stranger)?.contradiction.because.contains("billing@db9/app") == true)
  }
}
