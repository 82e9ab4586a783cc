public import Foundation
public import Secrets

/// Who told us.
public enum FindingSource: String, Sendable, Codable, CaseIterable {
  case github
  case githubPartner = "github_partner"
  case gitlab
  case gitlabRevocation = "gitlab_revocation"
  case gitguardian, ggshield, gitleaks, betterleaks, trufflehog
  case detectSecrets = "detect_secrets"
  case kingfisher
  case noseyParker = "nosey_parker"
  case awsHealth = "aws_health"
  case sarif
  case manual
}

/// What a platform's message says happened.
public enum FindingAction: String, Sendable, Codable, CaseIterable {
  case opened, reopened, resolved
  case leakedPublicly = "leaked_publicly"
  case validated
  case newLocation = "new_location"
  case assigned, other
}

/// The rule that matched.
public struct Detector: Sendable, Hashable, Codable {
  /// The scanner's own rule id.
  public var rule: String
  public var name: String?
  public var version: String?
  public init(rule: String, name: String? = nil, version: String? = nil) {
    self.rule = rule
    self.name = name
    self.version = version
  }
}

/// How sure the scanner is that it is a secret at all.
public enum Confidence: String, Sendable, Codable { case high, medium, low, unknown }

/// How far the secret has got out, as far as the platform says; nil: not said.
public struct Exposure: Sendable, Hashable, Codable {
  public var isPubliclyLeaked: Bool?
  public var isInSeveralRepositories: Bool?
  public var isPushProtectionBypassed: Bool?
  public init(
    isPubliclyLeaked: Bool? = nil, isInSeveralRepositories: Bool? = nil, isPushProtectionBypassed: Bool? = nil
  ) {
    self.isPubliclyLeaked = isPubliclyLeaked
    self.isInSeveralRepositories = isInSeveralRepositories
    self.isPushProtectionBypassed = isPushProtectionBypassed
  }

  /// True when either says so.
  public func combined(with other: Exposure) -> Exposure {
    func either(_ one: Bool?, _ two: Bool?) -> Bool? {
      guard let one else { return two }
      return one || (two ?? false)
    }
    return Exposure(
      isPubliclyLeaked: either(isPubliclyLeaked, other.isPubliclyLeaked),
      isInSeveralRepositories: either(isInSeveralRepositories, other.isInSeveralRepositories),
      isPushProtectionBypassed: either(isPushProtectionBypassed, other.isPushProtectionBypassed))
  }
}

/// Hashes that scanners print instead of the value. Unsalted, so a weak password can be guessed from them: kept in
/// memory to recognise a re-read value, never stored or shown.
public struct WeakHashes: Sendable {
  /// Hex digits, lower-case.
  public var sha1: String?
  public var sha256: String?
  public init(sha1: String? = nil, sha256: String? = nil) {
    self.sha1 = sha1
    self.sha256 = sha256
  }
}

/// One row of a scanner's report or one item of a platform's message.
///
/// Not `Codable`: it may hold the plaintext. What is kept is the ``Incident`` made of it.
public struct Finding: Sendable {
  public var source: FindingSource
  /// The platform's id for the delivery; nil for reports.
  public var deliveryID: String?
  /// The platform's id for the secret (`github:<repository>:<alert>`); nil for reports.
  public var providerKey: String?
  public var providerURL: String?
  public var action: FindingAction
  /// What the platform says became of it, in a few plain words (`resolved as revoked`); nil: nothing of the kind.
  public var platformWord: String?
  public var kind: CredentialKind
  /// Other kinds that the rule may mean; empty when the value or the rule decided.
  public var alternatives: [CredentialKind]
  public var detector: Detector
  public var confidence: Confidence
  /// The public part: an access key id, `user@host/db`, a public key's fingerprint. May be shown.
  public var handle: String?
  /// The secret part; nil when the report holds none (detect-secrets, redacted, platform messages).
  public var secret: Secret?
  public var weakHashes: WeakHashes
  public var validity: Validity
  public var exposure: Exposure
  public var location: Location?
  public var observedAt: Date
  public var committedAt: Date?
  /// Text around a redacted value, with the value cut out: helps to find it again.
  public var redactedMatch: RedactedMatch?

  public init(
    source: FindingSource, action: FindingAction = .opened, kind: CredentialKind, detector: Detector,
    observedAt: Date
  ) {
    self.source = source
    self.action = action
    self.kind = kind
    self.detector = detector
    self.observedAt = observedAt
    alternatives = []
    confidence = .unknown
    weakHashes = WeakHashes()
    validity = .notChecked
    exposure = Exposure()
  }

  /// True when the value must be read again from where it stands before anything but a notice can be done.
  public var needsSource: Bool {
    location?.path != nil && location?.startLine != nil && (secret == nil || !alternatives.isEmpty)
  }
}

/// What a scanner left of a value that it has hidden.
public struct RedactedMatch: Sendable {
  /// Text directly before and after the value.
  public var before: String
  public var after: String
  /// The value itself with `*` for each hidden character; nil: nothing of it was left.
  public var mask: String?
  public init(before: String, after: String, mask: String? = nil) {
    self.before = before
    self.after = after
    self.mask = mask
  }
}
