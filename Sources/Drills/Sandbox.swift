public import Foundation
public import Secrets
import Synchronization

/// The world of one drill while it runs.
public final class Sandbox: Sendable {
  public let scenario: Scenario
  private let trigger: Mutex<Date>
  let now: @Sendable () -> Date
  let faults: FaultBoard
  let files: SandboxFiles
  let leaky: LeakyRepository
  let world: any SandboxWorld
  let tickets: SandboxTickets
  let issues: SandboxIssues
  /// Name → the runner's own secrets.
  let runnerSecrets: [String: String]

  init(
    scenario: Scenario, faults: FaultBoard, now: @escaping @Sendable () -> Date, files: SandboxFiles,
    repository: LeakyRepository, world: any SandboxWorld, tickets: SandboxTickets, issues: SandboxIssues,
    runnerSecrets: [String: String]
  ) {
    self.scenario = scenario
    self.faults = faults
    self.now = now
    trigger = Mutex(now())
    self.files = files
    leaky = repository
    self.world = world
    self.tickets = tickets
    self.issues = issues
    self.runnerSecrets = runnerSecrets
  }

  /// The moment of the trigger: times of the scenario and of the score count from here.
  public var started: Date { trigger.withLock { $0 } }

  /// The trigger: the report is there now. Call it after everything was prepared and observed, before `respond`.
  public func begin() {
    trigger.withLock { $0 = now() }
    faults.begin()
    world.begin()
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
  public var notice: String? { world.notice }

  /// The leaked values.
  var leaked: Set<String> { Set(world.leaks.map(\.value)) }

  /// Every secret of the drill, old, new and the runner's own, by a name that may be shown: what no output may hold.
  public var secrets: [String: Secret] {
    var all: [String: String] = [:]
    for (index, value) in world.bystanders.values.enumerated() {
      all[index == 0 ? "unrelated key" : "unrelated key \(index + 1)"] = value
    }
    for leak in world.leaks { all["leaked \(leak.kind)"] = leak.value }
    for (name, value) in runnerSecrets { all["runner's \(name)"] = value }
    for (index, value) in world.issuedValues.enumerated() { all["replacement \(index + 1)"] = value }
    let plain = Set(world.publicParts)
    for (name, value) in world.stored where !all.values.contains(value) && !plain.contains(value) {
      all["stored \(name)"] = value
    }
    return all.mapValues { Secret($0) }
  }

  /// Stops every server. Files stay. Safe to repeat.
  /// - Returns: what could not be stopped; empty when nothing is left behind.
  @discardableResult
  public func stop() async -> [String] {
    tickets.stop()
    issues.stop()
    return await world.stop()
  }
}
