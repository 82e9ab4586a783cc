import Cryptography
public import Secrets

/// What makes two findings the same incident. Text forms, strongest first:
/// `h:<kind>:<public handle>`, `s:<fingerprint>`, `p:<platform's key>` (until the secret is fetched), and
/// `l:<repository>:<path>:<line>:<kind>` (until the value is read again).
public struct IncidentKey: RawRepresentable, Hashable, Sendable, Codable, Comparable, CustomStringConvertible
{
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
  public var description: String { rawValue }

  /// Strongest first, then by text.
  public static func < (one: Self, other: Self) -> Bool {
    one.strength != other.strength ? one.strength < other.strength : one.rawValue < other.rawValue
  }

  private var strength: Int {
    switch rawValue.first {
    case "h": 0
    case "s": 1
    case "p": 2
    default: 3
    }
  }

  /// False for keys that only say where something stands: two different secrets may share them.
  public var namesOneSecret: Bool { strength < 3 }

  /// The secret's fingerprint, when this is an `s:` key.
  public var fingerprint: Fingerprint? {
    rawValue.hasPrefix("s:") ? Fingerprint(rawValue: String(rawValue.dropFirst(2))) : nil
  }

  /// Every key of `finding`, strongest first.
  /// - Parameter keys: the installation's fingerprint key, then older ones (to recognise what was seen under them).
  public static func all(of finding: Finding, keys: [FingerprintKey]) -> [IncidentKey] {
    var found: [IncidentKey] = []
    if let handle = finding.handle, isIdentity(handle, of: finding.kind) {
      found.append(IncidentKey(rawValue: "h:\(finding.kind):\(handle)"))
    }
    if let secret = finding.secret {
      let canonical = CanonicalSecret.of(secret)
      found += keys.map { IncidentKey(rawValue: "s:\($0.fingerprint(of: canonical))") }
    }
    if let key = finding.providerKey { found.append(IncidentKey(rawValue: "p:\(key)")) }
    if let key = place(of: finding) { found.append(key) }
    return found
  }

  /// Where a value stands that nobody has read yet.
  static func place(of finding: Finding) -> IncidentKey? {
    finding.location.flatMap(place).map { IncidentKey(rawValue: "\($0):\(finding.kind)") }
  }

  /// An `l:` key without its kind, which scanners name differently.
  static func place(of location: Location) -> String? {
    guard let path = location.path, let line = location.startLine else { return nil }
    return "l:\(location.repository?.identity ?? ""):\(path):\(line)"
  }

  /// This `l:` key without its kind; nil for other keys.
  var placeWithoutKind: String? {
    guard rawValue.hasPrefix("l:"), let end = rawValue.lastIndex(of: ":") else { return nil }
    return String(rawValue[..<end])
  }

  /// A handle names a credential only where the issuer never gives it twice; a URI's only with user, host and database.
  private static func isIdentity(_ handle: String, of kind: CredentialKind) -> Bool {
    switch kind {
    case "aws_access_key", "aws_session_token", "gcp_service_account_key", "ssh_private_key": return true
    default:
      guard CredentialReading.uriKinds.contains(kind), kind != "basic_auth_url" else { return false }
      guard let at = handle.firstIndex(of: "@"), at != handle.startIndex else { return false }
      return handle[at...].contains("/")
    }
  }
}

extension IncidentID {
  /// The id that `key` gives: the same report read twice names the same incident.
  ///
  /// Eight characters of Crockford's base 32 (40 bits) of SHA-256; the journal refuses a collision.
  public init(for key: IncidentKey) {
    let digest = SHA256.hash(data: Array("incident/v1\0\(key.rawValue)".utf8))
    let bits = digest.prefix(5).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let digits = Array("0123456789abcdefghjkmnpqrstvwxyz")
    let text = (0..<8).reversed().map { String(digits[Int(bits >> UInt64($0 * 5)) & 31]) }.joined()
    self.init("inc-" + text)
  }
}
