public import Capabilities

/// Every store, one line each.
public enum SecretStoreRegistry {
  public static let all: [any SecretStore.Type] = [
    DocumentFileStore.self,
    DopplerConfig.self,
    EnvFileStore.self,
    FileStore.self,
    GitHubActionsSecret.self,
    InfisicalFolder.self,
    OnePasswordItem.self,
    SOPSFile.self,
    VaultKV.self,
    KubernetesSecret.self,
    GCPSecretManager.self,
    AzureKeyVault.self,
    AWSSecretsManager.self,
    AWSParameterStore.self,
  ]

  /// The store of an entry under `stores:`. - Throws: `.configuration`.
  public static func make(_ target: TargetConfiguration, in environment: AdapterEnvironment)
    throws(CapabilityError) -> any SecretStore
  {
    guard let type = all.first(where: { $0.kind == target.kind }) else {
      throw target.unknownKind("store", known: all.map { $0.kind })
    }
    return try type.init(target, in: environment)
  }
}
