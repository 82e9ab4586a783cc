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
    GenericCredential.self,
  ]

  /// The provider of an entry under `credentials:`. - Throws: `.configuration`.
  public static func make(_ target: TargetConfiguration, in environment: AdapterEnvironment)
    throws(CapabilityError) -> any CredentialProvider
  {
    guard let type = all.first(where: { $0.kind == target.kind }) else {
      throw target.unknownKind("credential provider", known: all.map { $0.kind })
    }
    // Nodes that share nothing, of one user.
    if target.kind == RedisUser.kind, target.settings["addresses"] != nil {
      return try RedisNodes(target, in: environment)
    }
    return try type.init(target, in: environment)
  }
}
