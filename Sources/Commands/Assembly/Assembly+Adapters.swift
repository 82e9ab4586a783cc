import Capabilities
import Incidents
import StaunchConfiguration
import Consumers
import CredentialProviders
import Foundation
import HTTP
import LocalSystem
import MariaDBClient
import Playbooks
import PostgresClient
import SecretStores
import Secrets
import TicketSystems

extension Assembly {
  /// The adapters that staunch.yaml may name.
  static var catalogue: AdapterCatalogue {
    AdapterCatalogue(
      credentials: Dictionary(CredentialProviderRegistry.all.map { ($0.kind, $0.settings) }) { first, _ in
        first
      },
      stores: Dictionary(SecretStoreRegistry.all.map { ($0.kind, $0.settings) }) { first, _ in first },
      consumers: Dictionary(ConsumerRegistry.all.map { ($0.kind, $0.settings) }) { first, _ in first },
      trackers: Dictionary(TicketSystemRegistry.all.map { ($0.kind, $0.settings) }) { first, _ in first })
  }

  /// The real outside: libcurl, libpq, libmariadb, files, programs, secret references.
  ///
  /// - Parameter state: another state directory than the user's (a drill's).
  func adapterEnvironment(state: String? = nil) -> AdapterEnvironment {
    let redactor = redactor
    return AdapterEnvironment(
      http: CurlTransport(
        TransportOptions(
          proxy: environment["https_proxy"] ?? environment["HTTPS_PROXY"],
          noProxy: environment["no_proxy"] ?? environment["NO_PROXY"],
          certificateAuthorities: environment["SSL_CERT_FILE"], userAgent: "staunch/\(toolVersion)")),
      postgres: PostgresConnector(), mariadb: MariaDBConnector(),
      processes: SubprocessRunner(environment: environment) { redactor.redact($0) },
      files: LocalFileSystem(),
      sources: SecretSources(environment: environment) { redactor.register($0) },
      now: clock,
      randomBytes: { Assembly.randomBytes($0) },
      stateDirectory: absolute(state ?? statePath))
  }

  /// staunch.yaml, read and checked.
  func configuration() throws -> Configuration {
    guard let path = configurationPath else {
      throw CommandFailure(
        .configuration, "there is no staunch.yaml",
        because: "none in this directory and none in the user's configuration directory",
        fix: "staunch init, or name one with --config")
    }
    let shown =
      path.hasPrefix(workingDirectory + "/") ? String(path.dropFirst(workingDirectory.count + 1)) : path
    let source: String
    let bytes = try readInput(path)
    do throws(PlaybookError) {
      source = try PlaybookText.decode(bytes, file: shown)
    } catch {
      throw CommandFailure(
        .configuration, "\(harmless(shown)) cannot be used",
        because: error.diagnostics.map { "\($0.position): \($0.message)" }.joined(separator: "; "),
        fix: "save the file as UTF-8")
    }
    return try ConfigurationReader.read(
      source, file: shown, directory: (path as NSString).deletingLastPathComponent,
      catalogue: Assembly.catalogue)
  }

  /// Everything that `configuration` names, built. Touches nothing outside.
  func targets(of configuration: Configuration, in environment: AdapterEnvironment) throws -> Targets {
    var targets = Targets()
    let paces = ProviderPaces(configuration.policy.calls)
    for (name, entry) in configuration.credentials {
      let environment = paces.environment(environment, for: entry.target)
      targets.credentials[name] = Targets.Credential(
        provider: try CredentialProviderRegistry.make(entry.target, in: environment), store: entry.store,
        key: entry.key, keys: entry.keys, consumers: entry.consumers)
    }
    for (name, entry) in configuration.stores {
      targets.stores[name] = try SecretStoreRegistry.make(entry, in: environment)
    }
    for (name, credential) in targets.credentials {
      let routed = configuration.routes.filter { $0.credential == name }.compactMap(\.store)
      let stores = Set(routed + [credential.store].compactMap { $0 }).sorted()
      targets.credentials[name] = credential.knowing(stores.compactMap { targets.stores[$0] })
    }
    for (name, entry) in configuration.consumers {
      targets.consumers[name] = try ConsumerRegistry.make(entry, in: environment)
    }
    targets.trackers = try trackers(of: configuration, in: environment)
    for (name, entry) in configuration.repositories {
      targets.repositories[name] = Targets.Repository(path: entry.path, remote: entry.remote)
    }
    return targets
  }

  /// The trackers alone. Touches nothing outside.
  func trackers(of configuration: Configuration, in environment: AdapterEnvironment) throws
    -> [TrackerName: any TicketSystem]
  {
    var trackers: [TrackerName: any TicketSystem] = [:]
    for (name, entry) in configuration.trackers {
      trackers[name] = try TicketSystemRegistry.make(entry, in: environment)
    }
    return trackers
  }

  /// `count` bytes of the system's secure generator.
  private static func randomBytes(_ count: Int) -> SecretBytes {
    var generator = SystemRandomNumberGenerator()
    var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    defer { for index in bytes.indices { bytes[index] = 0 } }
    return SecretBytes(copying: bytes)
  }
}
