import Capabilities
import Foundation
import JSON
import Simulators

/// A data pipeline on ECS whose AWS key and Redshift password leaked from one task definition.
///
/// Its tasks read both from Secrets Manager when they start, take the role `etl` with the key, list the bucket with that session
/// and log in at Redshift. A real PostgreSQL that asks for MD5 plays the cluster, and ModifyCluster sets the password there.
final class PipelineWorld: SandboxWorld {
  private let files: SandboxFiles
  private let aws: SandboxAWS
  private let redshift: SandboxPostgres
  private let connector: any SQLConnector
  private let oldSession: OldSession
  private let parts: Stragglers
  private let password = DecoySecret.password()

  private static let secret = "pipeline/prod"
  private static let database = "analytics"
  private static let place = "lake.cluster.example"
  static let idKey = "AWS_ACCESS_KEY_ID"
  static let secretKey = "AWS_SECRET_ACCESS_KEY"
  static let passwordKey = "REDSHIFT_PASSWORD"
  /// Holds the same password; nothing in staunch.yaml names it.
  static let urlKey = "REDSHIFT_URL"

  init(_ files: SandboxFiles, _ faults: FaultBoard, postgres: any SQLConnector) async throws(DrillError) {
    guard let binaries = SandboxPostgres.binaries() else {
      throw DrillError(
        .sandbox, "start the world of the pipeline",
        because: "PostgreSQL, which plays Redshift, is not installed",
        fix: "sudo apt-get install postgresql")
    }
    self.files = files
    connector = postgres
    let parts = Stragglers(faults)
    self.parts = parts
    aws = try SandboxAWS(
      user: "pipeline", rights: ["sts:AssumeRole"], role: "etl", faults,
      lingers: { shown in
        if let shown { parts.show(shown) }
        return parts.isDue
      })
    redshift = try SandboxPostgres(
      binaries: binaries, role: "etl", password: password, database: Self.database, manner: .redshift)
    oldSession = try await OldSession(redshift, password, through: postgres)
    let document: JSONValue = [
      Self.idKey: .string(aws.leakedID), Self.secretKey: .string(aws.leakedSecret),
      Self.passwordKey: .string(password), Self.urlKey: .string(url(password, Self.place)),
    ]
    aws.account.makeSecret(Self.secret, document.canonicalText)
    aws.account.makeService(
      "load", cluster: "pipeline", tasks: 2, secret: Self.secret, role: "etl", keyMember: Self.idKey)
    let server = redshift
    aws.account.makeCluster("lake", user: "etl", port: server.endpoint.port) { password in
      await server.setPassword(password)
    }
  }

  private func url(_ password: String, _ host: String) -> String {
    "postgresql://etl:\(password)@\(host):5439/\(Self.database)"
  }

  var leaks: [SandboxLeak] {
    let (server, connector, password, session) = (redshift, connector, password, oldSession)
    return [
      aws.leak,
      SandboxLeak(
        kind: "postgres_uri", value: password, handle: "etl@\(Self.place)/\(Self.database)",
        isAccepted: { await connector.tryLogin(server.login(server.role, password)) == .accepted },
        isSessionOpen: { await session.isOpen() }),
    ]
  }

  private func accepts(_ password: String) async -> Bool {
    await connector.tryLogin(redshift.login(redshift.role, password)) == .accepted
  }

  var bystanders: (values: [String], areAccepted: @Sendable () async -> Bool) {
    ([aws.bystander.value], aws.bystander.isAccepted)
  }
  var runnerSecrets: [String: String] { aws.runnerSecrets }
  var publicKeys: [String: String] { aws.publicKeys }
  var issuedValues: [String] { aws.issuedValues }
  var publicParts: [String] { aws.publicParts }
  var stored: [String: String] { aws.account.secret(Self.secret) }
  var stragglers: [String] { parts.names }
  // Redshift's replacement lives in the user.
  var replacementKeys: Int { aws.replacementKeys }
  var endpoints: [SandboxEndpoint] { [aws.endpoint, redshift.endpoint] }
  var notice: String? { "a real PostgreSQL plays Redshift, and a simulation of AWS's APIs the rest" }

  func brokenReplacements() async -> [String] {
    let stored = stored
    var broken: [String] = []
    let (id, secret) = (stored[Self.idKey] ?? "", stored[Self.secretKey] ?? "")
    if secret == aws.leakedSecret || !aws.account.accepts(id, secret) { broken.append(Self.secretKey) }
    // What stands in the connection string must work, too.
    let inURL = stored[Self.urlKey].flatMap { URLComponents(string: $0)?.password } ?? ""
    for (name, value) in [(Self.passwordKey, stored[Self.passwordKey] ?? ""), (Self.urlKey, inURL)] {
      var isGood = false
      if value != password { isGood = await accepts(value) }
      if !isGood { broken.append(name) }
    }
    return broken
  }

  func failingPrograms() async -> [String] {
    let tasks = aws.account.tasks
    guard !tasks.isEmpty else { return ["no task runs"] }
    var failing: [String] = []
    for task in tasks {
      if task.session.map(aws.mayWork) != true { failing.append("S3") }
      if await !accepts(task.secret[Self.passwordKey] ?? "") { failing.append("Redshift") }
    }
    return failing
  }

  func begin() { aws.account.begin() }

  func stop() async -> [String] {
    await oldSession.close()
    aws.stop()
    redshift.stop()
    return redshift.isGone ? [] : ["the PostgreSQL server at \(redshift.endpoint)"]
  }

  var entries: WorldEntries {
    let access = aws.access(files)
    return WorldEntries(
      credentials: """
          aws-pipeline:
            kind: aws_iam
            user: \(aws.user)
            roles: [etl]
        \(access)
            propagation_seconds: 2
            store: pipeline-secret
            keys: {access_key_id: \(Self.idKey), secret_access_key: \(Self.secretKey)}
            consumers: [load]
          redshift-lake:
            kind: aws_redshift
            cluster: lake
            database: \(Self.database)
            host: \(redshift.endpoint.host)
            port: \(redshift.endpoint.port)
            database_tls: disable
            aliases: [\(Self.place)]
            leaks: [postgres_uri]
        \(access)
            propagation_seconds: 1
            store: pipeline-secret
            key: \(Self.passwordKey)
            consumers: [load]
        """,
      stores: """
          pipeline-secret:
            kind: aws-secrets-manager
            secret_id: \(Self.secret)
        \(access)
        """,
      consumers: """
          load:
            kind: ecs-service
            cluster: pipeline
            service: load
        \(access)
        """,
      routes: [
        ("aws_access_key", "aws-access-key", "aws-pipeline"),
        ("postgres_uri", "database-password", "redshift-lake"),
      ])
  }

  var contents: LeakyContents {
    .pipeline(
      id: aws.leakedID, secret: aws.leakedSecret, url: url(password, Self.place), password: password)
  }
}
