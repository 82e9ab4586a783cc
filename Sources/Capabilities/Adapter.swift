public import Foundation
public import JSON
public import Secrets

/// What an adapter may use of the outside: built once, in `Commands/Assembly.swift` (or by a drill, all sandboxed).
public struct AdapterEnvironment: Sendable {
  public let http: any HTTPTransport
  public let postgres: any SQLConnector
  /// MariaDB and MySQL.
  public let mariadb: any SQLConnector
  public let redis: any RedisConnector
  public let processes: any ProcessRunner
  public let files: any FileSystem
  public let sources: any SecretSourceResolver
  /// The wall clock.
  public let now: @Sendable () -> Date
  /// `count` bytes from the system's secure generator.
  public let randomBytes: @Sendable (_ count: Int) -> SecretBytes
  /// The installation's own directory, for what an adapter keeps on this machine; nil: it has none.
  public let stateDirectory: String?

  public init(
    http: any HTTPTransport, postgres: any SQLConnector, mariadb: any SQLConnector,
    redis: any RedisConnector, processes: any ProcessRunner, files: any FileSystem,
    sources: any SecretSourceResolver,
    now: @escaping @Sendable () -> Date,
    randomBytes: @escaping @Sendable (_ count: Int) -> SecretBytes, stateDirectory: String? = nil
  ) {
    self.http = http
    self.postgres = postgres
    self.mariadb = mariadb
    self.redis = redis
    self.processes = processes
    self.files = files
    self.sources = sources
    self.now = now
    self.randomBytes = randomBytes
    self.stateDirectory = stateDirectory
  }
}

/// One entry of staunch.yaml (`credentials:`, `stores:`, `consumers:`, `trackers:`): a name, a kind and its settings.
public struct TargetConfiguration: Sendable {
  /// Its key in staunch.yaml.
  public let name: String
  /// Which adapter serves it, for example `postgres`.
  public let kind: String
  /// Everything else of the entry.
  public let settings: [String: JSONValue]
  /// `staunch.yaml:12:3`, for errors.
  public let position: String

  public init(name: String, kind: String, settings: [String: JSONValue], position: String) {
    self.name = name
    self.kind = kind
    self.settings = settings
    self.position = position
  }

  /// The text of a required setting.
  public func text(_ key: String) throws(CapabilityError) -> String {
    guard let value = settings[key] else { throw missing(key) }
    guard let text = value.string else { throw wrong(key, "text") }
    return text
  }

  /// The text of an optional setting.
  public func optionalText(_ key: String) throws(CapabilityError) -> String? {
    guard settings[key] != nil else { return nil }
    return try text(key)
  }

  /// The whole number of an optional setting.
  public func integer(_ key: String, default value: Int) throws(CapabilityError) -> Int {
    guard let found = settings[key] else { return value }
    guard let number = found.integer else { throw wrong(key, "a whole number") }
    return number
  }

  /// `propagation_seconds`: how long a change may take to hold everywhere.
  public func propagation(default value: Duration) throws(CapabilityError) -> Duration {
    let seconds = try integer("propagation_seconds", default: Int(value.components.seconds))
    guard (0...86_400).contains(seconds) else {
      throw wrong("propagation_seconds", "a number of seconds from 0 to 86400")
    }
    return .seconds(seconds)
  }

  /// The list of texts of a setting; empty when absent.
  public func texts(_ key: String) throws(CapabilityError) -> [String] {
    guard let found = settings[key] else { return [] }
    guard let elements = found.array else { throw wrong(key, "a list") }
    var texts: [String] = []
    for element in elements {
      guard let text = element.string else { throw wrong(key, "a list of text") }
      texts.append(text)
    }
    return texts
  }

  func missing(_ key: String) -> CapabilityError {
    CapabilityError(
      .configuration, "\(position): \(name)", because: "the setting \"\(key)\" is missing",
      fix: "add it to the entry (see docs/CONFIGURATION.md, \(kind)), then: staunch doctor")
  }

  func wrong(_ key: String, _ expected: String) -> CapabilityError {
    CapabilityError(
      .configuration, "\(position): \(name)", because: "the setting \"\(key)\" must be \(expected)",
      fix: "correct it, then: staunch doctor")
  }
}

/// A setting that an adapter understands: the source of docs/CONFIGURATION.md and of checks for unknown keys.
public struct SettingDeclaration: Sendable, Hashable {
  public let key: String
  public let isRequired: Bool
  /// True when the value is a reference such as `env:PGPASSWORD`; a plain value is refused.
  public let isSecretReference: Bool
  public let summary: String
  public init(_ key: String, required: Bool = false, secret: Bool = false, _ summary: String) {
    self.key = key
    self.isRequired = required
    self.isSecretReference = secret
    self.summary = summary
  }
}

extension SettingDeclaration {
  /// ``TargetConfiguration/propagation(default:)``; `absent` says what holds without it.
  public static func propagation(_ absent: String) -> SettingDeclaration {
    SettingDeclaration(
      "propagation_seconds",
      "how long a change may take to hold everywhere; the proof of death lasts as long; \(absent) when absent"
    )
  }
}

/// Something that staunch.yaml can name and that talks to the outside: one file, one registry line, one test file.
public protocol Adapter: Sendable {
  /// The word after `kind:` in staunch.yaml.
  static var kind: String { get }
  /// One sentence for the reference.
  static var summary: String { get }
  static var settings: [SettingDeclaration] { get }
  /// Its row of docs/PROVIDERS.md; nil for what has none (trackers, simulators). Every kind of a registry has one.
  static var profile: AdapterProfile? { get }
  /// - Throws: `.configuration`. Does not touch the outside.
  init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError)
  /// Every right that a run will need, asked of the system itself; and what could not be asked. Read only.
  func readiness() async -> [Readiness]
}

extension Adapter {
  public static var profile: AdapterProfile? { nil }

  /// Nothing was asked, which is said.
  public func readiness() async -> [Readiness] {
    [Readiness("rights", .unknown(because: "nothing asks a target of kind \(Self.kind) what it may do"))]
  }
}
