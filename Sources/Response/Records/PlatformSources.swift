package import Capabilities
import Incidents
package import Platforms
package import StaunchConfiguration
import Synchronization

/// The platforms of `sources:`, ready to be asked.
package final class PlatformSources: Sendable {
  package struct GitHub: Sendable {
    package let api: GitHubSecretScanning
    package let names: [String]
    package let every: Duration
    package let position: String
  }
  package struct GitGuardian: Sendable {
    package let api: GitGuardianIncidents
    package let every: Duration
    package let position: String
  }

  package let github: [GitHub]
  package let gitguardian: [GitGuardian]
  /// By name of staunch.yaml; what GitHub said once.
  private let repositories = Mutex<[String: GitHubSecretScanning.Repository]>([:])

  package init(_ sources: [Configuration.Source], in environment: AdapterEnvironment) {
    var github: [GitHub] = []
    var gitguardian: [GitGuardian] = []
    for source in sources {
      switch source.kind {
      case .github:
        github.append(
          GitHub(
            api: GitHubSecretScanning(
              baseURL: source.baseURL, token: source.token, environment: environment),
            names: source.repositories, every: source.every, position: source.position))
      case .gitguardian:
        gitguardian.append(
          GitGuardian(
            api: GitGuardianIncidents(baseURL: source.baseURL, token: source.token, environment: environment),
            every: source.every, position: source.position))
      }
    }
    self.github = github
    self.gitguardian = gitguardian
  }

  /// An alert that a key names, where one of our sources has its repository.
  package struct Alert: Sendable {
    package let api: GitHubSecretScanning
    package let repository: GitHubSecretScanning.Repository
    package let number: Int
  }

  /// - Parameter key: `github:<repository's number or name>:<alert's number>`.
  /// - Returns: nil when it is no GitHub key, or no source names the repository. Only names of staunch.yaml are asked for,
  ///   whatever a payload says.
  package func alert(_ key: String) async throws(CapabilityError) -> Alert? {
    guard let (identity, number) = Self.parts(of: key) else { return nil }
    for source in github {
      for name in source.names {
        let repository = try await repository(name, of: source)
        if identity == String(repository.id) || identity.lowercased() == name.lowercased() {
          return Alert(api: source.api, repository: repository, number: number)
        }
      }
    }
    return nil
  }

  package func repository(_ name: String, of source: GitHub) async throws(CapabilityError)
    -> GitHubSecretScanning.Repository
  {
    if let known = repositories.withLock({ $0[name] }) { return known }
    let found = try await source.api.repository(name)
    repositories.withLock { $0[name] = found }
    return found
  }

  package static func parts(of key: String) -> (identity: String, number: Int)? {
    guard key.hasPrefix("github:"), let colon = key.lastIndex(of: ":"),
      let number = Int(key[key.index(after: colon)...]), number > 0
    else { return nil }
    let identity = key[..<colon].dropFirst("github:".count)
    return identity.isEmpty ? nil : (String(identity), number)
  }
}
