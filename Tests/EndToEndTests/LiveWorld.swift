import Capabilities
@testable import Drills
import Foundation
import Incidents
import JSON
import PostgresClient
import Secrets
import TestSupport

/// A whole small company for one real (not drilled) run of the built binary: a real PostgreSQL, an OpenAI-like provider,
/// a ticket sink and a trainer on loopback, a leaky clone with its remote. Only the OpenAI-like provider, the ticket sink
/// and the trainer are stand-ins.
final class LiveWorld: Sendable {
  let root: TemporaryDirectory
  let sandbox: Sandbox
  let binary: StaunchBinary
  /// Records the arguments and the environment of every `git` and `touch` that is started.
  let shim: ProgramShim
  let home: String

  /// - Parameter logLevel: of the debug log; nil: silent.
  init(logLevel: String? = nil) async throws {
    root = try TemporaryDirectory()
    let scenario = try ScenarioReader.read(
      """
      drill: 1
      id: live
      title: one
      trigger: two
      complication: none
      injects: []
      objectives: [{reach: contain}]
      """, file: "live.yaml")
    sandbox = try await DrillSandbox.start(
      scenario, in: root.path("world"), postgres: PostgresConnector(), now: { Date() })
    home = root.path("home")
    try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    shim = try ProgramShim(["git", "touch"], in: root.path)
    var binary = StaunchBinary(home: home, workingDirectory: sandbox.directory, path: [shim.directory])
    binary.environment["STAUNCH_LOG"] = logLevel
    self.binary = binary
    // The same file as a drill's, without the mark: this is a live run.
    let text = try String(contentsOfFile: sandbox.configuration, encoding: .utf8)
    // The sandbox's provider changes everywhere at once.
    try text.replacing("drill: true\n", with: "").replacing(
      "propagation_seconds: 1", with: "propagation_seconds: 0"
    ).write(
      toFile: sandbox.configuration, atomically: true, encoding: .utf8)
    try fastPlaybooks()
  }

  /// Copies of the built-in playbooks that poll every few milliseconds: the same steps, no waiting. They lie beside
  /// staunch.yaml, where a team's own playbooks are found.
  private func fastPlaybooks() throws {
    let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "playbooks")
    let directory = sandbox.directory + "/playbooks"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    for name in ["openai-api-key.yaml", "database-password.yaml"] {
      let text = try String(contentsOf: source.appending(path: name), encoding: .utf8)
      try text.replacing(/every: \d+m?s/, with: "every: 5ms").write(
        toFile: directory + "/" + name, atomically: true, encoding: .utf8)
    }
  }

  func stop() async { await sandbox.stop() }

  /// A plan as `respond --json` names it.
  struct Planned: Sendable {
    let incident: String
    let kind: String
    let plan: String
    let digest: String
  }

  /// Runs `staunch respond` on the world's report.
  func respond() async throws -> (outcome: StaunchBinary.Outcome, plans: [Planned]) {
    let outcome = try await binary.run(["respond", sandbox.report, "--json"])
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
    let plans = (document["incidents"]?.array ?? []).compactMap { incident -> Planned? in
      guard let id = incident["id"]?.string, let kind = incident["kind"]?.string,
        let plan = incident["plan"]?["id"]?.string, let digest = incident["plan"]?["digest"]?.string
      else { return nil }
      return Planned(incident: id, kind: kind, plan: plan, digest: digest)
    }
    return (outcome, plans)
  }

  /// Runs a plan unattended, history included: the report's other incident stays as it is (`HistoryOrderTests` have the rule).
  func run(_ planned: Planned, environment: [String: String] = [:]) async throws -> StaunchBinary.Outcome {
    try await run(planned, ["--history-before-containment"], environment: environment)
  }

  /// Runs a plan unattended, as most people would.
  func run(_ planned: Planned, _ more: [String], environment: [String: String] = [:]) async throws
    -> StaunchBinary.Outcome
  {
    try await binary.run(
      ["run", planned.plan, "--live", "--approve", planned.digest, "--no-input", "--json"] + more,
      environment: environment)
  }

  /// Everything that may not hold a secret: state, rewritten clone without its undo vault, remote, records of children,
  /// what the ticket system got.
  func leaks(outputs: [String]) throws -> [Canary.Hit] {
    // The values are opened by name here and nowhere else.
    let canary = Canary(sandbox.secrets.mapValues { $0.exposeAsText() })
    var hits = try canary.hits(below: home)
    hits += try canary.hits(below: shim.records)
    for (index, output) in outputs.enumerated() { hits += canary.hits(in: output, place: "output \(index)") }
    for message in sandbox.tickets.messages {
      hits += canary.hits(in: message.body, place: "ticket \(message.type)")
    }
    for issue in sandbox.issues.issues {
      for text in issue.texts { hits += canary.hits(in: text, place: "issue \(issue.number)") }
    }
    return hits
  }
}

extension LiveWorld {
  /// What the drill of the training script is about.
  func training() throws -> TrainingWorld {
    guard let world = sandbox.world as? TrainingWorld else { throw OtherWorld() }
    return world
  }
  struct OtherWorld: Error {}

  /// PostgreSQL's next transaction id: it moves only when some transaction writes. (Autovacuum is off.)
  func transactions() async throws -> String {
    guard case .postgres(let server, let connector) = try training().database else { throw NoPostgres() }
    let session = try await connector.connect(server.login(server.adminUser, server.adminPassword))
    let rows = try await session.query("SELECT txid_snapshot_xmax(txid_current_snapshot())", [])
    await session.close()
    return rows.first?.first.flatMap { $0 } ?? ""
  }

  /// The tests need the real server.
  struct NoPostgres: Error {}
}
