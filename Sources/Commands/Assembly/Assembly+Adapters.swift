import Capabilities
import Incidents
import JSON
import StaunchConfiguration
import Consumers
import CredentialProviders
import Foundation
import HTTP
import LocalSystem
import MariaDBClient
import Playbooks
import PostgresClient
import RedisClient
import SecretStores
import Secrets
import TicketSystems

extension Assembly {
  /// The adapters that staunch.yaml may name.
  /// - Parameter described: the providers that files describe.
  static func catalogue(described: DescribedProviders = .builtin) -> AdapterCatalogue {
    AdapterCatalogue(
      credentials: CredentialProviderRegistry.settings,
      stores: Dictionary(SecretStoreRegistry.all.map { ($0.kind, $0.settings) }) { first, _ in first },
      consumers: Dictionary(ConsumerRegistry.all.map { ($0.kind, $0.settings) }) { first, _ in first },
      trackers: Dictionary(TicketSystemRegistry.all.map { ($0.kind, $0.settings) }) { first, _ in first },
      guided: [GenericCredential.kind],
      described: AdapterCatalogue.Described(kinds: described.kinds) { kind throws(CapabilityError) in
        try described.entry(of: kind)
      })
  }

  /// The providers that files describe: the built-in ones, and those of `directory`, which win.
  /// - Throws: exit 78 with everything that is wrong with a file, each at its place.
  func describedProviders(in directory: String?) throws -> DescribedProviders {
    guard let directory else { return .builtin }
    var problems: [Diagnostic] = []
    var found: [ProviderDescription] = []
    for path in try providerFiles(in: directory) {
      do throws(PlaybookError) {
        found.append(try ProviderDescription.load(bytes: try file(path), file: path))
      } catch { problems += error.diagnostics }
    }
    do throws(PlaybookError) {
      guard problems.isEmpty else { throw PlaybookError(problems) }
      return try DescribedProviders(own: found)
    } catch {
      throw CommandFailure(
        .configuration, "the provider files of \(harmless(directory)) cannot be used",
        because: error.diagnostics.map { harmless("\($0.position): \($0.message)") }.joined(separator: "; "),
        fix: "staunch playbook lint")
    }
  }

  /// Absolute paths, by name.
  func providerFiles(in directory: String) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") }
        .sorted().map { directory + "/" + $0 }
    } catch {
      throw CommandFailure(
        .configuration, "cannot read the provider files of \(harmless(directory))",
        because: plainReason(of: error), fix: "correct providers in staunch.yaml")
    }
  }

  private func file(_ path: String) throws(PlaybookError) -> Data {
    do { return try readInput(path) } catch {
      throw PlaybookError([
        Diagnostic(.syntax, at: SourcePosition(file: path, line: 1, column: 1), "the file cannot be read")
      ])
    }
  }

  /// The real outside: libcurl, libpq, libmariadb, Redis, files, programs, secret references.
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
      postgres: PostgresConnector(), mariadb: MariaDBConnector(), redis: RESPConnector(),
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
    let directory = (path as NSString).deletingLastPathComponent
    let described = try describedProviders(
      in: ConfigurationReader.providers(in: source, directory: directory))
    return try ConfigurationReader.read(
      source, file: shown, directory: directory, catalogue: Assembly.catalogue(described: described)
    ).binding(described)
  }

  /// Everything that `configuration` names, built. Touches nothing outside.
  func targets(of configuration: Configuration, in environment: AdapterEnvironment) throws -> Targets {
    var targets = Targets()
    let described = try describedProviders(in: configuration.providers)
    let paces = ProviderPaces(configuration.policy.calls)
    for (name, entry) in configuration.credentials {
      let environment = paces.environment(environment, for: entry.target)
      targets.credentials[name] = Targets.Credential(
        provider: try CredentialProviderRegistry.make(
          entry.target, in: environment, described: described), store: entry.store,
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

extension Configuration {
  /// What a team's own provider file says is part of what is approved, as the settings of an entry are.
  fileprivate func binding(_ described: DescribedProviders) throws(CapabilityError) -> Configuration {
    var bound = self
    for (name, entry) in credentials {
      guard described.isOwn(entry.target.kind), let file = try described[entry.target.kind] else { continue }
      let target = TargetConfiguration(
        name: entry.target.name, kind: entry.target.kind,
        settings: entry.target.settings.merging(["provider_file": .string(file.sha256)]) { _, new in new },
        position: entry.target.position)
      bound.credentials[name] = Configuration.Credential(
        target: target, store: entry.store, key: entry.key, keys: entry.keys, consumers: entry.consumers,
        aliases: entry.aliases, leaks: entry.leaks)
    }
    return bound
  }
}
