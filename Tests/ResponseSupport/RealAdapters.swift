import Capabilities
import Consumers
import CredentialProviders
import Foundation
import HTTP
import LocalSystem
import MariaDBClient
import PostgresClient
import RedisClient
import SecretStores
import Secrets
package import StaunchConfiguration
import TicketSystems

extension AdapterCatalogue {
  /// Every adapter there is.
  package static var real: AdapterCatalogue {
    AdapterCatalogue(
      credentials: CredentialProviderRegistry.settings,
      stores: Dictionary(SecretStoreRegistry.all.map { ($0.kind, $0.settings) }) { first, _ in first },
      consumers: Dictionary(ConsumerRegistry.all.map { ($0.kind, $0.settings) }) { first, _ in first },
      trackers: Dictionary(TicketSystemRegistry.all.map { ($0.kind, $0.settings) }) { first, _ in first },
      guided: [GenericCredential.kind],
      described: Described(kinds: DescribedProviders.builtin.kinds) { kind throws(CapabilityError) in
        try DescribedProviders.builtin.entry(of: kind)
      })
  }
}

extension AdapterEnvironment {
  /// The real outside, as the command line builds it.
  static func real(state: String, redactor: Redactor, now: @escaping @Sendable () -> Date)
    -> AdapterEnvironment
  {
    let variables = ProcessInfo.processInfo.environment
    return AdapterEnvironment(
      http: CurlTransport(TransportOptions(userAgent: "staunch/test")),
      postgres: PostgresConnector(), mariadb: MariaDBConnector(), redis: RESPConnector(),
      processes: SubprocessRunner(environment: variables) { redactor.redact($0) },
      files: LocalFileSystem(),
      sources: SecretSources(environment: variables) { redactor.register($0) },
      now: now,
      randomBytes: { count in SecretBytes(copying: (0..<count).map { _ in UInt8.random(in: 0...255) }) },
      stateDirectory: state)
  }
}

extension Targets {
  /// Everything that `configuration` names.
  init(_ configuration: Configuration, in environment: AdapterEnvironment) throws {
    self.init()
    for (name, entry) in configuration.credentials {
      credentials[name] = Targets.Credential(
        provider: try CredentialProviderRegistry.make(entry.target, in: environment), store: entry.store,
        key: entry.key, keys: entry.keys, consumers: entry.consumers)
    }
    for (name, entry) in configuration.stores {
      stores[name] = try SecretStoreRegistry.make(entry, in: environment)
    }
    for (name, entry) in configuration.consumers {
      consumers[name] = try ConsumerRegistry.make(entry, in: environment)
    }
    for (name, entry) in configuration.trackers {
      trackers[name] = try TicketSystemRegistry.make(entry, in: environment)
    }
    for (name, entry) in configuration.repositories {
      repositories[name] = Targets.Repository(path: entry.path, remote: entry.remote)
    }
  }
}
