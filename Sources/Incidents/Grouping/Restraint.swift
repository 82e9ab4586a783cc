package import Secrets

/// Why an incident must not be answered by rotation, revocation or deletion without a person.
public enum Restraint: String, Sendable, Codable, CaseIterable {
  /// A trap: tell a person; rotating it would burn it. Holds even when a person approves.
  case canary
  /// A value out of a vendor's documentation.
  case example
  /// A key of a provider's test mode.
  case testKey = "test_key"
  /// The rule is in no row of the table of kinds.
  case unknownKind = "unknown_kind"
  /// A password or key of which nobody knows what it opens.
  case genericKind = "generic_kind"
  /// The report does not hold the value and it has not been read again.
  case missingValue = "missing_value"

  /// True when even an approved plan must hold no destructive step.
  public var isAbsolute: Bool { self == .canary }

  /// The first that applies, or nil: automatic steps follow the route.
  package static func of(
    kind: CredentialKind, validity: Validity, secrets: [Secret], handle: String?, hasIdentity: Bool
  ) -> Restraint? {
    if validity == .canary { return .canary }
    // One value that is no example among several restrains nothing.
    let values: [Secret?] = secrets.isEmpty ? [nil] : secrets
    if values.allSatisfy({ CanonicalSecret.isExample($0, handle: handle) }) { return .example }
    if values.allSatisfy({ CanonicalSecret.isTestKey($0) }) { return .testKey }
    if kind == KindTable.unknownKind { return .unknownKind }
    if kind.rawValue.hasPrefix("generic_") { return .genericKind }
    return hasIdentity ? nil : .missingValue
  }

  /// For people, starting lower-case.
  public var because: String {
    switch self {
    case .canary: "it is a canary token: rotating it would burn the trap"
    case .example: "it is a value from a vendor's documentation"
    case .testKey: "it is a test-mode key"
    case .unknownKind: "the scanner's rule is in no row of the table of kinds"
    case .genericKind: "nobody knows what it opens"
    case .missingValue: "the report does not hold the value"
    }
  }
}
