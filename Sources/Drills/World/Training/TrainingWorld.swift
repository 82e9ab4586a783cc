import Capabilities
import Foundation

/// A training script with an OpenAI key and a database password hard-coded in it: OpenAI over HTTP, a real PostgreSQL where one
/// is installed, and the program that uses both.
final class TrainingWorld: SandboxWorld {
  let openAI: SandboxOpenAI
  let database: SandboxDatabase
  let trainer: SandboxTrainer
  let oldSession: OldSession?
  private let files: SandboxFiles
  private let openAIKey = DecoySecret.openAIKey()
  private let password = DecoySecret.password()
  private let unrelatedKey = DecoySecret.openAIKey()

  /// Names in the `.env` file.
  static let openAIVariable = "OPENAI_API_KEY"
  static let databaseVariable = "DB_PASSWORD"
  /// Holds the same password; nothing in staunch.yaml names it.
  static let urlVariable = "DATABASE_URL"

  init(_ files: SandboxFiles, _ faults: FaultBoard, postgres: any SQLConnector) async throws(DrillError) {
    self.files = files
    let openAI = try SandboxOpenAI(
      keys: [("training", openAIKey), ("unrelated", unrelatedKey)], faults: faults)
    let database = try Self.database(password: password, postgres: postgres)
    self.openAI = openAI
    self.database = database
    try files.folder.write(
      "trainer/.env",
      """
      # The trainer reads this when it starts.
      \(Self.openAIVariable)=\(openAIKey)
      \(Self.databaseVariable)=\(password)
      \(Self.urlVariable)=postgresql://trainer:\(password)@127.0.0.1/training

      """)
    let triesKey: SandboxTrainer.Check = { @Sendable value in openAI.accepts(value) }
    let triesPassword: SandboxTrainer.Check = { @Sendable value in await database.accepts(value) }
    trainer = try SandboxTrainer(
      environmentFile: files.environmentFile, restartFile: files.restartFile,
      checks: [(Self.openAIVariable, triesKey), (Self.databaseVariable, triesPassword)], faults: faults)
    if case .postgres(let server, let connector) = database {
      oldSession = try await OldSession(server, password, through: connector)
    } else {
      oldSession = nil
    }
  }

  private static func database(password: String, postgres: any SQLConnector) throws(DrillError)
    -> SandboxDatabase
  {
    guard let binaries = SandboxPostgres.binaries() else {
      let silent = FaultBoard([], now: { Date(timeIntervalSince1970: 0) })
      return .standIn(try SandboxOpenAI(keys: [("training", password)], faults: silent))
    }
    return .postgres(
      try SandboxPostgres(binaries: binaries, role: "trainer", password: password, database: "training"),
      postgres)
  }

  var leaks: [SandboxLeak] {
    let (openAI, database, key, password) = (openAI, database, openAIKey, password)
    var isOpen: (@Sendable () async -> Bool)?
    if let oldSession { isOpen = { await oldSession.isOpen() } }
    return [
      SandboxLeak(
        kind: "openai_api_key", value: key, handle: nil, isAccepted: { openAI.accepts(key) },
        isSessionOpen: nil),
      SandboxLeak(
        kind: "postgres_uri", value: password, handle: "trainer@db.training.example/training",
        isAccepted: { await database.accepts(password) }, isSessionOpen: isOpen),
    ]
  }

  var bystanders: (values: [String], areAccepted: @Sendable () async -> Bool) {
    let (openAI, key) = (openAI, unrelatedKey)
    return ([key], { openAI.accepts(key) })
  }

  var runnerSecrets: [String: String] {
    let admin =
      switch database {
      case .postgres(let server, _): server.adminPassword
      case .standIn(let provider): provider.adminKey
      }
    return ["openai-admin": openAI.adminKey, "database-admin": admin]
  }
  var publicKeys: [String: String] { [:] }
  var issuedValues: [String] { openAI.issuedValues + database.issuedValues }
  var publicParts: [String] { [] }
  var notice: String? { database.notice }
  var stragglers: [String] { [] }
  // PostgreSQL's replacement lives in the role, not among keys.
  var replacementKeys: Int { openAI.keyNames.filter { $0 != "training" && $0 != "unrelated" }.count }

  var endpoints: [SandboxEndpoint] {
    switch database {
    case .postgres(let server, _): [openAI.endpoint, trainer.endpoint, server.endpoint]
    case .standIn(let provider): [openAI.endpoint, trainer.endpoint, provider.endpoint]
    }
  }

  var contents: LeakyContents {
    .training(
      openAIKey: openAIKey,
      databaseURL: "postgresql://trainer:\(password)@db.training.example:5432/training", password: password)
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

  func brokenReplacements() async -> [String] {
    let stored = stored
    let leaked: Set<String> = [openAIKey, password]
    var broken: [String] = []
    let key = stored[Self.openAIVariable] ?? ""
    if leaked.contains(key) || !openAI.accepts(key) { broken.append(Self.openAIVariable) }
    // What stands in the connection string must work, too.
    let inURL = stored[Self.urlVariable].flatMap { URLComponents(string: $0)?.password } ?? ""
    for (name, value) in [
      (Self.databaseVariable, stored[Self.databaseVariable] ?? ""), (Self.urlVariable, inURL),
    ] {
      var isGood = false
      if !leaked.contains(value) { isGood = await database.accepts(value) }
      if !isGood { broken.append(name) }
    }
    return broken
  }

  func failingPrograms() async -> [String] { await trainer.failing() }

  func begin() {}

  func stop() async -> [String] {
    await oldSession?.close()
    openAI.stop()
    trainer.stop()
    database.stop()
    if case .postgres(let server, _) = database, !server.isGone {
      return ["the PostgreSQL server at \(server.endpoint)"]
    }
    return []
  }

  var entries: WorldEntries {
    WorldEntries(
      credentials: """
          openai-drill:
            kind: openai
            base_url: \(openAI.endpoint.url)
            project: \(openAI.project)
            admin_key: \(files.key("openai-admin"))
            propagation_seconds: 1
            store: trainer-env
            expected_requests_per_day: \(SandboxOpenAI.ordinaryRequests)
            key: \(Self.openAIVariable)
            consumers: [trainer]
        \(databaseEntry)
            store: trainer-env
            key: \(Self.databaseVariable)
            consumers: [trainer]
        """,
      stores: """
          trainer-env:
            kind: env-file
            path: \(SandboxFiles.quoted(files.environmentFile))
        """,
      consumers: """
          trainer:
            kind: command
            restart: [touch, \(SandboxFiles.quoted(files.restartFile))]
            health: \(trainer.endpoint.url)/healthz
        """,
      routes: [
        ("openai_api_key", "openai-api-key", "openai-drill"),
        ("postgres_uri", "database-password", database.credential),
      ])
  }

  private var databaseEntry: String {
    switch database {
    case .postgres(let server, _):
      """
        \(database.credential):
          kind: postgres
          host: \(server.endpoint.host)
          port: \(server.endpoint.port)
          database: \(server.database)
          role: \(server.role)
          admin_user: \(server.adminUser)
          aliases: [db.training.example]
          admin_password: \(files.key("database-admin"))
      """
    case .standIn(let provider):
      """
        \(database.credential):
          kind: openai
          base_url: \(provider.endpoint.url)
          project: \(provider.project)
          admin_key: \(files.key("database-admin"))
          propagation_seconds: 1
      """
    }
  }
}
