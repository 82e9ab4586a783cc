public import Secrets

/// Keeps current secrets for the programs that use them.
public protocol SecretStore: Adapter {
  /// The version now current (an opaque id), or nil when the entry does not exist. Read only.
  func currentVersion(_ key: String) async throws(CapabilityError) -> String?
  /// The current value. Read only.
  func read(_ key: String) async throws(CapabilityError) -> Secret
  /// Makes `secret` current. Repeating it with the same `marker` and value changes nothing.
  ///
  /// - Parameter old: values that it succeeds: the ``copies(of:besides:)`` that can follow get it too, in the spelling
  ///   that the old value has there.
  /// - Parameter others: entries that are not written along: they belong to another credential.
  /// - Returns: the new version.
  func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String
  /// What in this store holds one of `secrets` now, as it is, encoded or among other text; by key, in the store's order.
  /// Read only. - Parameter key: an entry that does not count.
  func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  /// Makes several entries current in one step: whoever reads them sees all of the old ones or all of the new ones. As
  /// ``put(_:_:replacing:sparing:marker:under:)`` otherwise.
  /// - Throws: `.unsupported` where the store cannot (``takesSeveralEntries``); nothing is written then.
  func put(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String
  /// Whether it can change several entries in one step.
  var takesSeveralEntries: Bool { get }
  /// Whether ``read(_:)`` can tell a value. False: the store never shows one, so nobody can compare what it holds; only a program
  /// that uses it shows that the new value is there.
  var canBeRead: Bool { get }
  /// The entry by a name that providers know too; nil where only this machine does. Read only.
  func resource(of key: String) -> ResourceName?
}

/// One entry that is to be written.
public struct StoreEntry: Sendable {
  public let key: String
  public let secret: Secret
  /// Values that it succeeds.
  public let old: [Secret]
  public init(_ key: String, _ secret: Secret, replacing old: [Secret]) {
    self.key = key
    self.secret = secret
    self.old = old
  }
}

extension SecretStore {
  public var takesSeveralEntries: Bool { false }
  public var canBeRead: Bool { true }
  public func resource(of key: String) -> ResourceName? { nil }

  public func put(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    guard let only = entries.first, entries.count == 1 else {
      throw CapabilityError(
        .unsupported, "write \(entries.map(\.key).joined(separator: ", "))",
        because: "a store of kind \(Self.kind) cannot change several entries in one step",
        fix: "keep the credential as one text: key: NAME instead of keys: in staunch.yaml")
    }
    return try await put(
      only.key, only.secret, replacing: only.old, sparing: others, marker: marker, under: authority)
  }
}

/// What of a store holds a secret besides the entry it is kept as: a connection string, a second variable, a comment.
public struct SecretCopy: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// Programs read it.
    case value
    /// No program reads it: the old value is taken out, and no new one is written there.
    case remark
    /// Nobody can say whether it holds one.
    case unread(because: String)
  }

  /// The entry, or what the store calls the text.
  public let key: String
  /// The successor can be written in its place. False: in a spelling or at a place that only a person can change.
  public let canFollow: Bool
  public let kind: Kind

  public init(key: String, canFollow: Bool, kind: Kind = .value) {
    self.key = key
    self.canFollow = canFollow
    self.kind = kind
  }
}

/// A program that uses a credential and must be moved to the new one.
public protocol Consumer: Adapter {
  /// What a roll-out would do. Read only.
  func plan() async throws(CapabilityError) -> PlannedEffect
  /// Makes it use the current secret. Safe to repeat.
  func rollOut(marker: String, under authority: borrowing ExecutionAuthority) async throws(CapabilityError)
  /// Whether it works. Read only.
  func health() async throws(CapabilityError) -> ConsumerHealth
  /// Which of its running parts hold one of `secrets` now: what still holds the old value has not moved. Read only.
  func holdings(of secrets: [Secret]) async throws(CapabilityError) -> ConsumerHoldings
}

/// What of a consumer holds a value.
public struct ConsumerHoldings: Sendable, Hashable {
  /// The running parts that hold it, and where: `process 4711 (API_KEY)`.
  public let holding: [String]
  /// The parts that were looked at and do not.
  public let moved: [String]
  /// What nobody could look at, with the reason.
  public let unread: [String]
  public init(holding: [String] = [], moved: [String] = [], unread: [String] = []) {
    self.holding = holding
    self.moved = moved
    self.unread = unread
  }
}

extension Consumer {
  public func holdings(of secrets: [Secret]) async throws(CapabilityError) -> ConsumerHoldings {
    ConsumerHoldings(unread: ["nobody can look into a consumer of kind \(Self.kind)"])
  }
}

/// A consumer's health.
public struct ConsumerHealth: Sendable, Hashable {
  public enum State: String, Sendable, Codable { case healthy, unhealthy, unknown }
  public let state: State
  /// What was seen, without secrets.
  public let evidence: String
  public init(_ state: State, evidence: String) {
    self.state = state
    self.evidence = evidence
  }
}
