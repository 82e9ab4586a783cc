import JSON

/// Reads the settings of an entry of staunch.yaml and says which there are: each is written once, where it is read.
///
/// ```swift
/// struct Settings: AdapterSettings {
///   let user: String
///   let adminKey: String
///   init(from read: inout SettingsReader) throws(CapabilityError) {
///     user = try read.text("user", "the user whose keys leak")
///     adminKey = try read.reference("admin_key", "a key of the runner's own")
///   }
/// }
/// ```
/// Without an entry it only collects the declarations: every read then gives a placeholder and no check is made.
public struct SettingsReader {
  private let target: TargetConfiguration?
  private(set) var declarations: [SettingDeclaration] = []

  init(_ target: TargetConfiguration?) { self.target = target }

  /// The text of a required setting.
  public mutating func text(_ key: String, _ summary: String) throws(CapabilityError) -> String {
    declare(SettingDeclaration(key, required: true, summary))
    return try target?.text(key) ?? ""
  }

  /// The text of a setting that has a default, which the reference then names.
  public mutating func text(_ key: String, default value: String, _ summary: String) throws(CapabilityError)
    -> String
  {
    declare(SettingDeclaration(key, "\(summary); `\(value)` when absent"))
    return try target?.optionalText(key) ?? value
  }

  public mutating func optionalText(_ key: String, _ summary: String) throws(CapabilityError) -> String? {
    declare(SettingDeclaration(key, summary))
    return try target?.optionalText(key)
  }

  /// One of several words.
  public mutating func word(_ key: String, of words: [String], default value: String, _ summary: String)
    throws(CapabilityError) -> String
  {
    let word = try text(key, default: value, summary)
    guard words.contains(word) else {
      throw wrong("\(key) is none of its words", fix: "use \(words.joined(separator: ", "))")
    }
    return word
  }

  public mutating func integer(_ key: String, _ summary: String) throws(CapabilityError) -> Int? {
    declare(SettingDeclaration(key, summary))
    guard let target, target.settings[key] != nil else { return nil }
    return try target.integer(key, default: 0)
  }

  /// A list of texts; empty when absent.
  public mutating func texts(_ key: String, _ summary: String) throws(CapabilityError) -> [String] {
    declare(SettingDeclaration(key, summary))
    return try target?.texts(key) ?? []
  }

  /// A required reference to a secret of the runner's own (`env:NAME`). Its value is read when it is needed.
  public mutating func reference(_ key: String, _ summary: String) throws(CapabilityError) -> String {
    declare(SettingDeclaration(key, required: true, secret: true, summary))
    return try target?.text(key) ?? "env:PLACEHOLDER"
  }

  public mutating func optionalReference(_ key: String, _ summary: String) throws(CapabilityError) -> String?
  {
    declare(SettingDeclaration(key, secret: true, summary))
    return try target?.optionalText(key)
  }

  /// The address that every call begins with, without a slash at its end.
  public mutating func baseURL(_ standard: String) throws(CapabilityError) -> String {
    let base = try text("base_url", default: standard, "where its API is")
    return base.hasSuffix("/") ? String(base.dropLast()) : base
  }

  /// How long a change may take to hold everywhere.
  public mutating func propagation(_ standard: Duration) throws(CapabilityError) -> Duration {
    declare(.propagation("\(standard.components.seconds)"))
    return try target?.propagation(default: standard) ?? standard
  }

  /// The target's own trust: a private authority, a client certificate.
  public mutating func trust() throws(CapabilityError) -> ServerTrust? {
    let authorities = try optionalText(
      "tls_ca", "a PEM file of the only authorities to believe; the machine's own when absent")
    let certificate = try optionalText("tls_certificate", "a PEM file with the runner's client certificate")
    let key = try optionalText("tls_key", "a PEM file with its key, when it is not in the same file")
    guard authorities != nil || certificate != nil || key != nil else { return nil }
    guard key == nil || certificate != nil else {
      throw wrong("tls_key stands without tls_certificate", fix: "name the certificate too")
    }
    return ServerTrust(authorities: authorities, certificate: certificate, key: key)
  }

  /// The entry's name; empty while only declarations are collected.
  public var name: String { target?.name ?? "" }

  /// - Throws: `.configuration` with `because` when there is an entry and `isRight` is false.
  public func check(_ isRight: Bool, _ because: String, fix: String) throws(CapabilityError) {
    guard target != nil, !isRight else { return }
    throw wrong(because, fix: fix)
  }

  private func wrong(_ because: String, fix: String) -> CapabilityError {
    CapabilityError(
      .configuration, target.map { "\($0.position): \($0.name)" } ?? "settings", because: because, fix: fix)
  }

  private mutating func declare(_ declaration: SettingDeclaration) {
    precondition(!declarations.contains { $0.key == declaration.key }, "\(declaration.key) is declared twice")
    declarations.append(declaration)
  }
}

/// The settings of one kind of adapter, as a struct: read and declared by one initialiser.
public protocol AdapterSettings: Sendable {
  /// - Throws: `.configuration`.
  init(from read: inout SettingsReader) throws(CapabilityError)
}

extension AdapterSettings {
  /// - Throws: `.configuration`.
  public init(_ target: TargetConfiguration) throws(CapabilityError) {
    var reader = SettingsReader(target)
    self = try Self(from: &reader)
  }

  /// What there is to set, in the order of the initialiser.
  public static var declarations: [SettingDeclaration] {
    var reader = SettingsReader(nil)
    do { _ = try Self(from: &reader) } catch {
      preconditionFailure("\(Self.self) refuses placeholders: \(error)")
    }
    return reader.declarations
  }
}
