public import Capabilities
import RESTClient
public import Secrets

/// The master password of an RDS instance or an Aurora cluster, with PostgreSQL, MySQL or MariaDB.
///
/// `ModifyDBInstance` sets another one and ends the old one when it is carried out, within minutes. One that RDS manages in
/// Secrets Manager (`MasterUserSecret`) is made anew by `RotateMasterUserPassword`, and programs read it there. Dead is a login
/// that the server refuses while it accepts another password of the user. Sessions outlive it: of PostgreSQL they are ended
/// with the new password, of MySQL by an entry of kind mariadb.
///
/// The threat: its holder was nearly a superuser: what users, rights, functions and triggers it left is for the database's own
/// entry to find. A change of the server that somebody has begun keeps AWS from taking ours, which is said.
/// Tested against MiniStack's control plane with a real PostgreSQL server that follows it.
/// Sources: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/ (DescribeDBInstances, DescribeDBClusters,
/// ModifyDBInstance, ModifyDBCluster)
public struct RDSMasterPassword: AWSMasterPassword {
  struct Settings: AdapterSettings {
    let instance: String?
    let cluster: String?
    let aws: AWSClient.Settings
    let login: AWSMaster.Settings
    let propagation: Duration

    init(from read: inout SettingsReader) throws(CapabilityError) {
      instance = try read.optionalText(
        "instance", "the DB instance whose master password leaks: its identifier")
      cluster = try read.optionalText("cluster", "the Aurora cluster instead: its identifier")
      try read.check(
        (instance == nil) != (cluster == nil), "it needs instance or cluster, and not both",
        fix: "write instance: NAME, or cluster: NAME for Aurora")
      login = try AWSMaster.Settings(from: &read)
      aws = try AWSClient.Settings(from: &read)
      propagation = try read.propagation(.seconds(120))
    }
  }

  public static let kind = "aws_rds"
  public static let summary = "The master password of an RDS instance or an Aurora cluster."
  public static let profile: AdapterProfile? = AdapterProfile(
    .emulator,
    privilege:
      "rds:DescribeDBInstances and ModifyDBInstance, or DescribeDBClusters and ModifyDBCluster, on the server",
    survives:
      "sessions, which of PostgreSQL are ended and counted again; users, rights, functions and triggers"
      + " that its holder made",
    note: "a real PostgreSQL server follows the emulator's control plane")
  public static let settings = Settings.declarations

  public let capabilities: ProviderCapabilities
  public let lock: String
  public var master: AWSMaster
  private let isCluster: Bool

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    let settings = try Settings(target)
    let client = AWSClient(settings.aws, in: environment)
    let name = settings.cluster ?? settings.instance ?? ""
    isCluster = settings.cluster != nil
    master = AWSMaster(
      client: client, environment: environment, name: name, host: settings.login.host,
      port: settings.login.port, database: settings.login.database, tls: settings.login.tls,
      authorities: settings.login.authorities)
    lock = "aws_rds/\(settings.aws.base ?? settings.aws.region)/\(name)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .none, disable: .irreversible, sessions: .end, issuing: .generated,
      propagation: settings.propagation)
  }

  private var kind: String { isCluster ? "DBCluster" : "DBInstance" }

  public func state() async throws(CapabilityError) -> AWSDatabase {
    let action = "Describe\(kind)s"
    let answer = try await master.client.answer(.rds, action, [("\(kind)Identifier", master.name)])
    if ["DBInstanceNotFound", "DBClusterNotFoundFault"].contains(answer.code ?? "") {
      throw CapabilityError(
        .notFound, "rds:\(action)",
        because: "there is no \(isCluster ? "cluster" : "instance") \(master.name)",
        fix: "correct it, access_key_id and region in staunch.yaml")
    }
    if let failure = master.client.failure(of: answer, .rds, action, changes: false) { throw failure }
    let list = AWSElement(parsing: answer.response.body)?["\(action)Result"]?["\(kind)s"]
    guard let told = list?.children.first, told["\(kind)Identifier"]?.text == master.name,
      let arn = told["\(kind)Arn"]?.text, let user = told["MasterUsername"]?.text,
      let status = told[isCluster ? "Status" : "DBInstanceStatus"]?.text, let engine = told["Engine"]?.text
    else {
      throw CapabilityError(.invalid, "rds:\(action)", because: "the answer does not hold the server whole")
    }
    let place = isCluster ? told : told["Endpoint"]
    let secret = told["MasterUserSecret"]?["SecretArn"]?.text ?? ""
    return AWSDatabase(
      arn: arn, user: user, host: place?[isCluster ? "Endpoint" : "Address"]?.text ?? "",
      port: (place?["Port"]?.text).flatMap { Int($0) } ?? 5432, engine: Self.engine(engine), status: status,
      isPending: told["PendingModifiedValues"]?["MasterUserPassword"] != nil,
      managedSecret: secret.isEmpty ? nil : secret)
  }

  private static func engine(_ name: String) -> AWSDatabase.Engine {
    if name.contains("postgres") { return .postgres }
    return name.contains("mysql") || name == "mariadb" ? .mysql : .other(name)
  }

  public func set(_ password: Secret?, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    try await master.client.change(
      .rds, "Modify\(kind)",
      [
        ("\(kind)Identifier", master.name), ("ApplyImmediately", "true"),
        password.map { ("MasterUserPassword", $0.exposeAsText()) } ?? ("RotateMasterUserPassword", "true"),
      ], under: authority)
  }

  public func readiness() async -> [Readiness] {
    await readiness(
      "rds:Describe\(kind)s", "rds:Modify\(kind)", excess: ["rds:DeleteDBInstance", "rds:CreateDBSnapshot"])
  }
}
