public import Capabilities
public import Foundation
import Secrets

/// Builds the world of a drill below one directory: everything that `staunch respond` and `staunch run` need, nothing
/// that is real.
public enum DrillSandbox {
  /// Starts the servers, makes the repository and writes the files.
  ///
  /// - Parameters:
  ///   - directory: absolute, empty or absent; holds everything of the drill afterwards.
  ///   - postgres: how the sandbox itself logs in at its own database.
  /// - Throws: ``DrillError``; what was started is stopped again.
  public static func start(
    _ scenario: Scenario, in directory: String, postgres: any SQLConnector,
    now: @escaping @Sendable () -> Date
  ) async throws(DrillError) -> Sandbox {
    try Folder.create(directory)
    let files = SandboxFiles(folder: Folder(path: directory))
    guard !FileManager.default.fileExists(atPath: files.configuration) else {
      throw DrillError(
        .file, "prepare the drill in \(directory)", because: "an earlier drill lies there",
        fix: "choose another directory, or remove it: rm -r \(directory)")
    }
    let faults = FaultBoard(scenario.faults, now: now)
    let webhookSecret = DecoySecret.webhookSecret()
    let world: any SandboxWorld =
      switch scenario.world {
      case .openAIAndDatabase: try await TrainingWorld(files, faults, postgres: postgres)
      case .kubernetesModelServer: try ModelServerWorld(files, faults)
      case .awsECSPipeline: try await PipelineWorld(files, faults, postgres: postgres)
      }
    let tickets = try SandboxTickets(secret: webhookSecret, faults: faults, now: now)
    let issues = try SandboxIssues(faults: faults)
    let runner = world.runnerSecrets.merging(["tickets": webhookSecret, "issues": issues.token]) { own, _ in
      own
    }
    try files.writeKeys(runner.merging(world.publicKeys) { own, _ in own })
    let repository = try await LeakyRepository.create(in: directory, world.contents)
    try files.writeReport(world.leaks, repository)
    try files.writeConfiguration(
      world.entries, tickets: tickets.endpoint, issues: issues, repository: repository)
    return Sandbox(
      scenario: scenario, faults: faults, now: now, files: files, repository: repository, world: world,
      tickets: tickets, issues: issues, runnerSecrets: runner)
  }
}
