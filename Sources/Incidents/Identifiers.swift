/// Text that names a `Subject`; the phantom type keeps, say, a store's name from being passed as a credential's.
public struct Name<Subject>: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible,
  ExpressibleByStringLiteral,
  Comparable
{
  /// The text.
  public let rawValue: String
  public init(_ rawValue: String) { self.rawValue = rawValue }
  public init(rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { rawValue = value }
  public var description: String { rawValue }
  public static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
}

/// What the names name. Never constructed.
public enum Named {
  public enum Incident: Sendable {}
  public enum Run: Sendable {}
  public enum Step: Sendable {}
  public enum Plan: Sendable {}
  public enum Playbook: Sendable {}
  public enum Credential: Sendable {}
  public enum Store: Sendable {}
  public enum Consumer: Sendable {}
  public enum Repository: Sendable {}
  public enum Tracker: Sendable {}
  public enum Secret: Sendable {}
  public enum Role: Sendable {}
}

/// An incident: `inc-` and eight characters.
public typealias IncidentID = Name<Named.Incident>
/// One execution of a plan: `run-` and eight characters (a drill's starts with `DRILL-`).
public typealias RunID = Name<Named.Run>
/// A step, as written in the playbook; nested steps are joined by a dot (`triage.alive`).
public typealias StepID = Name<Named.Step>
/// A saved plan.
public typealias PlanID = Name<Named.Plan>
/// A playbook's `id`.
public typealias PlaybookID = Name<Named.Playbook>
/// A credential target of staunch.yaml, for example `postgres-training`.
public typealias CredentialName = Name<Named.Credential>
/// A store of staunch.yaml.
public typealias StoreName = Name<Named.Store>
/// A consumer of staunch.yaml.
public typealias ConsumerName = Name<Named.Consumer>
/// A repository of staunch.yaml.
public typealias RepositoryName = Name<Named.Repository>
/// A ticket system or notifier of staunch.yaml.
public typealias TrackerName = Name<Named.Tracker>
/// An opaque handle to a secret that the journal holds sealed; never the secret.
public typealias SecretRef = Name<Named.Secret>
/// A role such as `responder` or `repository-admin`. People are named by role, never by name.
public typealias RoleName = Name<Named.Role>

extension Name where Subject == Named.Run {
  /// How ids of effects begin that a person asked for outside of a playbook.
  public static var byHandPrefix: String { "hand-" }
  /// The run of one command, without a plan: not resumed, but repeated.
  public var isByHand: Bool { rawValue.hasPrefix(Self.byHandPrefix) }
}
