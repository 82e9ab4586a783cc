public import Foundation
public import Secrets
import Synchronization

/// The world of one drill while it runs.
public final class Sandbox: Sendable {
  struct Decoys: Sendable {
    /// Kind → value.
    let leaked: [String: String]
    /// A key that has nothing to do with the leak and must survive.
    let unrelatedKey: String
    /// Name → the runner's own secrets.
    let runner: [String: String]
  }

  public let scenario: Scenario
  private let trigger: Mutex<Date>
  let now: @Sendable () -> Date
  let faults: FaultBoard
  let files: SandboxFiles
  let leaky: LeakyRepository
  let openAI: SandboxOpenAI
  let database: SandboxDatabase
  let tickets: SandboxTickets
  let issues: SandboxIssues
  let trainer: SandboxTrainer
  let oldSession: OldSession?
  let decoys: Decoys

  init(
    scenario: Scenario, faults: FaultBoard, now: @escaping @Sendable () -> Date, files: SandboxFiles,
    repository: LeakyRepository,
    openAI: SandboxOpenAI,
    database: SandboxDatabase, tickets: SandboxTickets, issues: SandboxIssues, trainer: SandboxTrainer,
    oldSession: OldSession?,
    decoys: Decoys
  ) {
    self.scenario = scenario
    self.faults = faults
    self.now = now
    trigger = Mutex(now())
    self.files = files
    leaky = repository
    self.openAI = openAI
    self.database = database
    self.tickets = tickets
    self.issues = issues
    self.trainer = trainer
    self.oldSession = oldSession
    self.decoys = decoys
  }

  /// The moment of the trigger: times of the scenario and of the score count from here.
  public var started: Date { trigger.withLock { $0 } }

  /// The trigger: the report is there now. Call it after everything was prepared and observed, before `respond`.
  public func begin() {
    trigger.withLock { $0 = now() }
    faults.begin()
  }

  /// Everything of the drill lies below it.
  public var directory: String { files.folder.path }
  /// The drill's staunch.yaml, with `drill: true`.
  public var configuration: String { files.configuration }
  /// The scanner's report that starts it: `staunch respond` reads it.
  public var report: String { files.report }
  /// The clone whose history holds the decoys.
  public var repository: String { leaky.path }
  /// The bare repository that it was pushed to.
  public var remote: String { leaky.remote }
  /// What a person is told about the sandbox, for example that a stand-in plays the database; nil when all is real.
  public var notice: String? { database.notice }

  /// Every secret of the drill, old, new and the runner's own, by a name that may be shown: what no output may hold.
  public var secrets: [String: Secret] {
    var all: [String: String] = ["unrelated key": decoys.unrelatedKey]
    for (name, value) in decoys.leaked { all["leaked \(name)"] = value }
    for (name, value) in decoys.runner { all["runner's \(name)"] = value }
    for (index, value) in (openAI.issuedValues + database.issuedValues).enumerated() {
      all["replacement \(index + 1)"] = value
    }
    for (name, value) in stored where !all.values.contains(value) { all["stored \(name)"] = value }
    return all.mapValues { Secret($0) }
  }

  /// The values in the `.env` file now.
  var stored: [String: String] {
    let data = FileManager.default.contents(atPath: files.environmentFile)
    var values: [String: String] = [:]
    for line in String(decoding: data ?? Data(), as: UTF8.self).split(separator: "\n")
    where !line.hasPrefix("#") {
      let parts = line.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { values[String(parts[0])] = parts[1].trimmingCharacters(in: ["\"", "'", " "]) }
    }
    return values
  }

  /// Stops every server. Files stay. Safe to repeat.
  /// - Returns: what could not be stopped; empty when nothing is left behind.
  @discardableResult
  public func stop() async -> [String] {
    await oldSession?.close()
    openAI.stop()
    tickets.stop()
    issues.stop()
    trainer.stop()
    database.stop()
    if case .postgres(let server, _) = database, !server.isGone {
      return ["the PostgreSQL server at \(server.endpoint)"]
    }
    return []
  }
}
