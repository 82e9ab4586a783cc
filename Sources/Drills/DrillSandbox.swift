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
    let openAIKey = DecoySecret.openAIKey()
    let unrelatedKey = DecoySecret.openAIKey()
    let password = DecoySecret.password()
    let webhookSecret = DecoySecret.webhookSecret()

    let openAI = try SandboxOpenAI(
      keys: [("training", openAIKey), ("unrelated", unrelatedKey)], faults: faults)
    let database = try self.database(password: password, postgres: postgres)
    let tickets = try SandboxTickets(faults: faults, now: now)
    let issues = try SandboxIssues(faults: faults)
    try files.writeEnvironment(openAIKey: openAIKey, password: password)
    let triesKey: SandboxTrainer.Check = { @Sendable value in openAI.accepts(value) }
    let triesPassword: SandboxTrainer.Check = { @Sendable value in await database.accepts(value) }
    let trainer = try SandboxTrainer(
      environmentFile: files.environmentFile, restartFile: files.restartFile,
      checks: [(SandboxFiles.openAIVariable, triesKey), (SandboxFiles.databaseVariable, triesPassword)],
      faults: faults)
    var adminSecrets = [
      "openai-admin": openAI.adminKey, "tickets": webhookSecret, "issues": issues.token,
    ]
    var oldSession: OldSession?
    switch database {
    case .postgres(let server, let connector):
      adminSecrets["database-admin"] = server.adminPassword
      oldSession = try await OldSession(server, password, through: connector)
    case .standIn(let provider): adminSecrets["database-admin"] = provider.adminKey
    }
    try files.writeKeys(adminSecrets)
    let repository = try await LeakyRepository.create(
      in: directory, openAIKey: openAIKey,
      databaseURL: "postgresql://trainer:\(password)@db.training.example:5432/training", password: password)
    try files.writeReport(
      openAIKey: openAIKey, password: password, handle: "trainer@db.training.example/training",
      repository: repository)
    try files.writeConfiguration(
      openAI: openAI, database: database, tickets: tickets.endpoint, issues: issues,
      trainer: trainer.endpoint, repository: repository)
    return Sandbox(
      scenario: scenario, faults: faults, now: now, files: files, repository: repository, openAI: openAI,
      database: database, tickets: tickets, issues: issues, trainer: trainer, oldSession: oldSession,
      decoys: Sandbox.Decoys(
        leaked: ["openai_api_key": openAIKey, "postgres_uri": password], unrelatedKey: unrelatedKey,
        runner: adminSecrets))
  }

  private static func database(password: String, postgres: any SQLConnector) throws(DrillError)
    -> SandboxDatabase
  {
    guard let binaries = SandboxPostgres.binaries() else {
      let silent = FaultBoard([], now: { Date(timeIntervalSince1970: 0) })
      return .standIn(try SandboxOpenAI(keys: [("training", password)], faults: silent))
    }
    return .postgres(try SandboxPostgres(binaries: binaries, password: password), postgres)
  }
}
