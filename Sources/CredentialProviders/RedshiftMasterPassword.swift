public import Capabilities
import RESTClient
public import Secrets

/// The admin password of a provisioned Redshift cluster.
///
/// `ModifyCluster` sets another one, and ends the old one when it is carried out. Dead is a login that the cluster refuses while it
/// accepts another password of the user. Redshift asks for the password's MD5, which goes to a verified server alone
/// (`database_tls: verify-full`, as it is when absent). Sessions outlive the password: the user's
/// own are ended with the new one and counted again. Logins of others that `GetClusterCredentials` gave (an hour at most) outlive
/// it, too: a superuser ends them.
///
/// The threat: its holder was a superuser: users, rights, functions and external schemas that it left are the database's own.
/// Tested against moto, with a real PostgreSQL server that asks for MD5 and follows it. What Redshift itself says of a wrong
/// password (28000), and its table of sessions, are from its documentation.
/// Sources: https://docs.aws.amazon.com/redshift/latest/APIReference/ (DescribeClusters, ModifyCluster),
/// https://docs.aws.amazon.com/redshift/latest/dg/ (STV_SESSIONS, PG_TERMINATE_BACKEND)
public struct RedshiftMasterPassword: AWSMasterPassword {
  struct Settings: AdapterSettings {
    let cluster: String
    let aws: AWSClient.Settings
    let login: AWSMaster.Settings
    let propagation: Duration

    init(from read: inout SettingsReader) throws(CapabilityError) {
      cluster = try read.text("cluster", "the cluster whose admin password leaks: its identifier")
      login = try AWSMaster.Settings(from: &read)
      aws = try AWSClient.Settings(from: &read)
      propagation = try read.propagation(.seconds(120))
    }
  }

  public static let kind = "aws_redshift"
  public static let summary = "The admin password of a Redshift cluster."
  public static let profile: AdapterProfile? = AdapterProfile(
    .emulator,
    privilege: "redshift:DescribeClusters, ModifyCluster on the cluster",
    survives: "sessions, and logins of GetClusterCredentials (an hour at most), which another superuser ends;"
      + " users, rights, functions and external schemas that its holder made",
    note: "a real PostgreSQL server that asks for MD5 follows the emulator's control plane")
  public static let settings = Settings.declarations

  public let capabilities: ProviderCapabilities
  public let lock: String
  public var master: AWSMaster

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    let settings = try Settings(target)
    master = AWSMaster(
      client: AWSClient(settings.aws, in: environment), environment: environment, name: settings.cluster,
      host: settings.login.host, port: settings.login.port, database: settings.login.database,
      tls: settings.login.tls, authorities: settings.login.authorities)
    lock = "aws_redshift/\(settings.aws.base ?? settings.aws.region)/\(settings.cluster)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .none, disable: .irreversible, sessions: .end, issuing: .generated,
      propagation: settings.propagation)
  }

  public func state() async throws(CapabilityError) -> AWSDatabase {
    let operation = "redshift:DescribeClusters"
    let answer = try await master.client.answer(
      .redshift, "DescribeClusters", [("ClusterIdentifier", master.name)])
    if ["ClusterNotFound", "ClusterNotFoundFault"].contains(answer.code ?? "") {
      throw CapabilityError(
        .notFound, operation, because: "there is no cluster \(master.name)",
        fix: "correct it, access_key_id and region in staunch.yaml")
    }
    if let failure = master.client.failure(of: answer, .redshift, "DescribeClusters", changes: false) {
      throw failure
    }
    let list = AWSElement(parsing: answer.response.body)?["DescribeClustersResult"]?["Clusters"]
    guard let told = list?.children.first, told["ClusterIdentifier"]?.text == master.name,
      let user = told["MasterUsername"]?.text, let status = told["ClusterStatus"]?.text
    else {
      throw CapabilityError(.invalid, operation, because: "the answer does not hold the cluster whole")
    }
    let pending = told["PendingModifiedValues"]?["MasterUserPassword"]?.text ?? ""
    let secret = told["MasterPasswordSecretArn"]?.text ?? ""
    return AWSDatabase(
      arn: told["ClusterNamespaceArn"]?.text ?? "*", user: user,
      host: told["Endpoint"]?["Address"]?.text ?? "",
      port: (told["Endpoint"]?["Port"]?.text).flatMap { Int($0) } ?? 5439, engine: .redshift,
      status: status, isPending: !pending.isEmpty, managedSecret: secret.isEmpty ? nil : secret)
  }

  public func set(_ password: Secret?, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    guard let password else {
      throw CapabilityError(
        .unsupported, "redshift:ModifyCluster",
        because: "Redshift keeps the password of \(master.name) in its own secret",
        fix: "rotate that one: aws secretsmanager rotate-secret; programs read it from there")
    }
    try await master.client.change(
      .redshift, "ModifyCluster",
      [("ClusterIdentifier", master.name), ("MasterUserPassword", password.exposeAsText())], under: authority)
  }

  public func readiness() async -> [Readiness] {
    await readiness(
      "redshift:DescribeClusters", "redshift:ModifyCluster",
      excess: ["redshift:DeleteCluster", "redshift:GetClusterCredentials"])
  }
}
