public import Capabilities

/// Every provider, one line each.
public enum CredentialProviderRegistry {
  public static let all: [any CredentialProvider.Type] = [
    PostgresRole.self,
    MariaDBUser.self,
    OpenAIProject.self,
    AnthropicKey.self,
    GitHubToken.self,
    GitLabToken.self,
    RedisUser.self,
    VaultToken.self,
    VaultDatabase.self,
    SSHKey.self,
    KubernetesServiceAccountToken.self,
    GCPServiceAccountKey.self,
    GCPHMACKey.self,
    AzureStorageKey.self,
    AzureClientSecret.self,
    AWSAccessKey.self,
    AWSRoleSession.self,
    RDSMasterPassword.self,
    RedshiftMasterPassword.self,
    ElastiCacheUser.self,
    GenericCredential.self,
  ]

  /// What entries under `credentials:` may set, by kind: of the providers in code.
  public static var settings: [String: [SettingDeclaration]] {
    Dictionary(all.map { ($0.kind, $0.settings) }) { first, _ in first }
  }

  /// What an entry of `kind` may set, in code or by a file; nil where there is no such kind.
  /// - Throws: `.configuration` when its built-in file cannot be read.
  public static func settings(of kind: String, described: DescribedProviders = .builtin)
    throws(CapabilityError) -> [SettingDeclaration]?
  {
    if let type = all.first(where: { $0.kind == kind }) { return type.settings }
    return try described.entry(of: kind)?.settings
  }

  /// The provider of an entry under `credentials:`. - Throws: `.configuration`.
  /// - Parameter described: the providers that files describe.
  public static func make(
    _ target: TargetConfiguration, in environment: AdapterEnvironment,
    described: DescribedProviders = .builtin
  ) throws(CapabilityError) -> any CredentialProvider {
    guard let type = all.first(where: { $0.kind == target.kind }) else {
      guard let description = try described[target.kind] else {
        throw target.unknownKind("credential provider", known: all.map { $0.kind } + described.kinds)
      }
      return try DescribedProvider(target, as: description, in: environment)
    }
    return try type.init(target, in: environment)
  }
}
