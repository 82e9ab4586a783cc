import Foundation
public import Secrets

/// What a reported value turns out to be: its kind, its secret part and its public part.
///
/// A scanner's rule often means several kinds, and its value often holds more than the secret (a whole URI, a key pair, a
/// line of a manifest). The value itself decides.
public struct CredentialReading: Sendable {
  public let kind: CredentialKind
  /// Other kinds it may still be; empty when the value decided.
  public let alternatives: [CredentialKind]
  /// What must be revoked and scrubbed; nil when the value was only a public part.
  public let secret: Secret?
  /// May be shown.
  public let handle: String?

  /// Reads a value.
  /// - Parameters:
  ///   - value: as the scanner printed it.
  ///   - rule: the scanner's, where it tells how the value is written.
  ///   - kinds: what the rule may mean, best first.
  public init(
    of value: Secret, rule: String = "", kinds: [CredentialKind], table: KindTable = .builtin
  ) {
    let bytes = CredentialReading.trimmed(value.exposeAsBytes())
    self =
      CredentialReading.login(bytes, rule: rule, table: table)
      ?? CredentialReading.read(bytes, kinds, table, depth: 0)
  }

  /// Without a value only the rule speaks.
  public init(kinds: [CredentialKind]) {
    self = CredentialReading.undecided(nil, kinds)
  }

  init(_ kind: CredentialKind, secret: [UInt8]?, handle: String? = nil, alternatives: [CredentialKind] = []) {
    self.kind = kind
    self.alternatives = alternatives
    self.secret = secret.flatMap { $0.isEmpty ? nil : Secret(SecretBytes(copying: $0)) }
    self.handle = handle
  }

  /// Kinds whose secret is the password of a URI.
  public static let uriKinds: Set<CredentialKind> = [
    "postgres_uri", "mysql_uri", "sqlserver_uri", "redis_uri", "mongodb_uri", "basic_auth_url",
  ]

  /// Kinds whose whole address is the secret.
  private static let webhookKinds: Set<CredentialKind> = ["slack_webhook_url", "discord_webhook_url"]

  /// Without spaces and matching quotes around it.
  static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes[...]
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    while let last = bytes.last, isSpace(last) { bytes.removeLast() }
    while let first = bytes.first, isSpace(first) { bytes.removeFirst() }
    if bytes.count > 1, let first = bytes.first, [0x22, 0x27, 0x60].contains(first), bytes.last == first {
      bytes = bytes.dropFirst().dropLast()
    }
    return Array(bytes)
  }

  // One rule after the other, the most telling first.
  private static func read(_ bytes: [UInt8], _ kinds: [CredentialKind], _ table: KindTable, depth: Int)
    -> CredentialReading
  {
    if let reading = PrivateKeyText.reading(of: bytes, kinds: kinds) { return reading }
    if let reading = keyPair(bytes) { return reading }
    if kinds.contains("k8s_secret_manifest"), depth == 0, let value = manifestValue(bytes) {
      let inner = read(value, [], table, depth: 1)
      guard inner.kind == KindTable.unknownKind else { return inner }
      return CredentialReading("generic_password", secret: value)
    }
    if kinds.contains("twilio_api_key"), bytes.count == 34, bytes.starts(with: "SK".utf8) {
      return CredentialReading("twilio_api_key", secret: nil, handle: text(bytes))
    }
    let isJDBC = bytes.starts(with: "jdbc:".utf8)
    let prefixed = table.kind(ofValueBeginning: isJDBC ? Array(bytes.dropFirst(5)) : bytes)
    if prefixed.map(Self.webhookKinds.contains) != true, let uri = CredentialURI(bytes) {
      let kind = prefixed.flatMap { uriKinds.contains($0) ? $0 : nil } ?? "basic_auth_url"
      return CredentialReading(kind, secret: known(uri.password), handle: uri.handle)
    }
    // Without a password that can be read, the text is nothing that anybody logs in with.
    if let prefixed, uriKinds.contains(prefixed) { return CredentialReading(prefixed, secret: nil) }
    if let reading = connectionString(bytes, kinds) { return reading }
    if bytes.starts(with: "eyJ".utf8), let token = JSONWebToken(bytes) {
      if token.isKubernetesServiceAccount {
        return CredentialReading("k8s_service_account_token", secret: bytes, handle: token.subject)
      }
      if kinds.isEmpty || kinds.contains("jwt") { return CredentialReading("jwt", secret: bytes) }
    }
    if kinds.contains("datadog_api_key") || kinds.contains("datadog_app_key"), kinds.count > 1 {
      if bytes.count == 32 { return CredentialReading("datadog_api_key", secret: bytes) }
      if bytes.count == 40 { return CredentialReading("datadog_app_key", secret: bytes) }
    }
    // A bare word that merely begins like a token is not one.
    if let prefixed, prefixed != "jwt", prefixed != "private_key",
      bytes.count >= 16 || kinds.contains(prefixed)
    {
      return CredentialReading(prefixed, secret: bytes)
    }
    return undecided(bytes, kinds)
  }

  private static func undecided(_ bytes: [UInt8]?, _ kinds: [CredentialKind]) -> CredentialReading {
    guard let first = kinds.first else { return CredentialReading(KindTable.unknownKind, secret: bytes) }
    let isURI = kinds.allSatisfy(uriKinds.contains)
    guard kinds.count > 1 else {
      return CredentialReading(first, secret: isURI ? bytes.flatMap(password) : bytes)
    }
    // Which database a bare password opens, only the text around it can tell.
    if isURI {
      return CredentialReading("basic_auth_url", secret: bytes.flatMap(password), alternatives: kinds)
    }
    let guess: CredentialKind =
      kinds.contains("generic_password")
      ? "generic_password" : kinds.contains("private_key") ? "private_key" : first
    return CredentialReading(guess, secret: bytes, alternatives: kinds.filter { $0 != guess })
  }

  /// A connection string that is no URI.
  private static func connectionString(_ bytes: [UInt8], _ kinds: [CredentialKind]) -> CredentialReading? {
    let possible = kinds.filter(uriKinds.contains)
    guard let first = possible.first,
      let string = ConnectionString(bytes, isKnown: possible.count == kinds.count)
    else { return nil }
    if kinds.count == 1, first != "basic_auth_url" {
      return CredentialReading(first, secret: known(string.password), handle: string.handle)
    }
    return CredentialReading(
      string.kind ?? "basic_auth_url", secret: known(string.password), handle: string.handle,
      alternatives: string.kind == nil && kinds.count > 1 ? kinds : [])
  }

  /// The password that a scanner cut out of a URI, still percent-encoded; nil for what holds no password that can be read.
  private static func password(_ bytes: [UInt8]) -> [UInt8]? {
    let text = text(bytes)
    guard !text.contains("://"), !text.hasPrefix("jdbc:") else { return nil }
    guard known(bytes) != nil else { return nil }
    return known(text.removingPercentEncoding.map { Array($0.utf8) } ?? bytes)
  }

  /// Nil for a mask or a placeholder: the value is unknown then.
  private static func known(_ password: [UInt8]) -> [UInt8]? {
    Placeholder.isOne(password) ? nil : password
  }

  /// An AWS access key id, alone or followed by `:` and the secret (TruffleHog's RawV2).
  private static func keyPair(_ bytes: [UInt8]) -> CredentialReading? {
    let id = bytes.prefix(20)
    guard id.count == 20, id.starts(with: "AKIA".utf8) || id.starts(with: "ASIA".utf8),
      id.allSatisfy({ (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) })
    else { return nil }
    let kind: CredentialKind = id.starts(with: "ASIA".utf8) ? "aws_session_token" : "aws_access_key"
    let rest = bytes.dropFirst(20)
    if rest.isEmpty { return CredentialReading(kind, secret: nil, handle: text(id)) }
    guard rest.first == 0x3A else { return nil }
    return CredentialReading(kind, secret: Array(rest.dropFirst()), handle: text(id))
  }

  /// The decoded value of a manifest's line: `password: c2VjcmV0`.
  private static func manifestValue(_ bytes: [UInt8]) -> [UInt8]? {
    let value = bytes.firstIndex(of: 0x3A).map { Array(bytes[($0 + 1)...]) } ?? bytes
    guard let data = Data(base64Encoded: Data(trimmed(value))), !data.isEmpty else { return nil }
    return trimmed(Array(data))
  }

  private static func text(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}
