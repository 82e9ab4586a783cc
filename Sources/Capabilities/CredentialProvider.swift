public import Foundation
public import Incidents
public import JSON
public import Secrets

/// A credential at its provider, by its public id: `AKIA…`, a key's id, a role's name. Not secret.
public struct CredentialRef: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
  public let rawValue: String
  public init(_ rawValue: String) { self.rawValue = rawValue }
  public init(rawValue: String) { self.rawValue = rawValue }
  public var description: String { rawValue }
}

/// What a provider can and cannot do with this kind of credential.
public struct ProviderCapabilities: Sendable, Hashable {
  public enum Authority: String, Sendable, Codable { case `self`, admin, human }
  public enum Overlap: String, Sendable, Codable { case none, alternate, several }
  public enum Disable: String, Sendable, Codable { case reversible, irreversible, none }
  public enum Sessions: String, Sendable, Codable { case end, expire, none }
  /// How a lost outcome is settled (docs/ARCHITECTURE.md, step protocol).
  public enum Issuing: String, Sendable, Codable {
    /// We generate the value; try it.
    case generated
    /// The provider issues it under a name we choose; list by name.
    case named
    /// The provider issues it without a name; compare ids.
    case unnamed
    /// The call turns the leaked value into a new one and the old one is dead at once. It is never sent twice: a repeat with
    /// the old value may destroy the new one. What became of a lost call is a person's question.
    case rotated
    /// The account has fixed places whose ids never change: the one that did not leak is set anew. Repeating it is harmless
    /// once the lost request can no longer be carried out.
    case slot
    /// Programs draw a lease by themselves: nothing is stored, and issuing only tries whether one is given.
    case leased
    /// A person issues it.
    case human
  }
  public let authority: Authority
  public let overlap: Overlap
  public let disable: Disable
  public let sessions: Sessions
  public let issuing: Issuing
  /// How long "disabled" may take to hold everywhere: the proof of death lasts at least as long after the last change.
  public let propagation: Duration

  public init(
    authority: Authority, overlap: Overlap, disable: Disable, sessions: Sessions, issuing: Issuing,
    propagation: Duration
  ) {
    self.authority = authority
    self.overlap = overlap
    self.disable = disable
    self.sessions = sessions
    self.issuing = issuing
    self.propagation = propagation
  }
}

/// A freshly issued credential.
public struct IssuedCredential: Sendable {
  public let ref: CredentialRef
  public let material: Material
  public init(ref: CredentialRef, material: Material) {
    self.ref = ref
    self.material = material
  }
  public init(ref: CredentialRef, secret: Secret) { self.init(ref: ref, material: Material(secret)) }
  /// What probes present.
  public var secret: Secret { material.primary }
}

/// What is to be issued.
public struct IssueOrder: Sendable {
  /// The name to give it.
  public let marker: String
  /// The value from ``CredentialProvider/generate()``.
  public let generated: Secret?
  /// What it succeeds: which slot not to touch, which token to rotate. Nil where nobody knows.
  public let replacing: Leak?
  public init(marker: String, generated: Secret? = nil, replacing: Leak? = nil) {
    self.marker = marker
    self.generated = generated
    self.replacing = replacing
  }
}

/// Sessions of a credential: success means that a recount says 0, not that a call returned.
public struct SessionCount: Sendable, Hashable {
  public let found: Int
  public let ended: Int
  public let left: Int
  public init(found: Int, ended: Int, left: Int) {
    self.found = found
    self.ended = ended
    self.left = left
  }
}

/// Facts about a credential: owner, scopes, created, last used … (evidence that is gone after the kill).
public struct CredentialFacts: Sendable, Hashable {
  /// Documented keys: `owner`, `scopes`, `created`, `last_used`, `privilege`; a provider may add its own. No secrets.
  public let facts: [String: JSONValue]
  public init(_ facts: [String: JSONValue]) { self.facts = facts }
}

/// What the abuse search saw.
public struct AbuseReport: Sendable, Hashable {
  /// True: uses that nobody expects were seen. False: every use in ``covered`` was an expected one. Nil: nobody can say,
  /// because the provider has no evidence to search or nobody wrote down what is expected.
  public let seen: Bool?
  /// The stretch of time whose uses the provider answered for, as it was read; nil: it keeps no log, or does not say how
  /// far back its log goes.
  public let covered: ClosedRange<Date>?
  /// One line each, no secrets.
  public let findings: [String]
  public init(seen: Bool?, covered: ClosedRange<Date>?, findings: [String]) {
    self.seen = seen
    self.covered = covered
    self.findings = findings
  }
}

/// Issues, probes, disables and deletes one kind of credential. One file per provider.
///
/// Source of the contract: docs/CONTRACT.md. Every method is safe to repeat unless it says otherwise. A credential may stand
/// at several places (``Subject``); the verbs here are about one of them, and the loops over all are written once, in
/// `CredentialProvider+Subject.swift`.
public protocol CredentialProvider: Adapter {
  var capabilities: ProviderCapabilities { get }
  /// What a lock on this credential is called: two runs with the same text exclude each other.
  var lock: String { get }
  /// The public id that the entry itself names (a role, a user): known also when the secret is dead already. Nil where
  /// only a secret tells.
  var account: CredentialRef? { get }
  /// Which fields its credentials have.
  var shape: MaterialShape { get }

  /// Whose `leak` is here, by its first value, or by its handle where there is none. Also proves that it belongs to this
  /// target. Read only.
  /// - Throws: `.notFound` when it does not, `.unsafe` when the runner itself logs in with it.
  func identify(_ leak: Leak) async throws(CapabilityError) -> Subject
  /// Every place of a credential whose identity is known. Read only.
  func subject(_ identity: CredentialRef) async throws(CapabilityError) -> Subject
  /// Read only; time-boxed by the caller.
  func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts
  /// Read only. - Parameter since: when the exposure began; nil: nobody knows, so search as far back as there is evidence.
  func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport
  /// What it can read and change, the stores of staunch.yaml among it. Read only.
  func reach(_ ref: CredentialRef) async throws(CapabilityError) -> Reach
  /// What it has made since then. Read only.
  func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors
  /// Tries `secret`. Read only. A refusal is an answer, not an error.
  ///
  /// Dead means: every place refused it on connections of their own, a control login was accepted before, between and
  /// after the refusals, and nothing else explains them. A refusal with another cause is unknown.
  /// - Parameter ref: one place; nil, or the identity: all of them (``CredentialProbe/verdict(at:)``).
  func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe
  /// The same provider, which can find the values that its account should take now: what its store holds.
  ///
  /// Where a system does not show that it compared a value, another one of the account that it accepts shows it. That none
  /// is found makes a verdict unknown, never another one.
  func knowing(_ present: @escaping @Sendable () async -> [Secret]) -> Self
  /// What a login needs beside a value that is right (the database, the right to connect to it), asked of the system: a new
  /// value would be refused without it. What could not be asked is said. Read only.
  func loginReadiness() async -> [Readiness]
  /// Public ids that exist now, for INTENT and for finding orphans. Read only.
  func existing() async throws(CapabilityError) -> [CredentialRef]
  /// How many there may be and which there are; nil: as many as one likes. Read only.
  func slots() async throws(CapabilityError) -> Slots?

  /// A new value to set, when ``ProviderCapabilities/Issuing/generated``; nil otherwise.
  func generate() throws(CapabilityError) -> Secret?
  /// What a person has issued, when ``ProviderCapabilities/Issuing/human``, from where they put it. Read only.
  /// - Throws: `.awaitsPerson` while it is not there, with what to do; `.unsupported` for the other ways of issuing.
  func handedOver() async throws(CapabilityError) -> IssuedCredential
  /// Where ``handedOver()`` looks, for the plan; nil for the other ways of issuing.
  var handOverPlace: String? { get }
  /// Makes the replacement. Not safe to repeat: settle first.
  func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  /// The public id that ``issue(_:under:)`` gives to `secret`, which is accepted now. Read only.
  func ref(ofIssued secret: Secret) async throws(CapabilityError) -> CredentialRef
  /// Ids made under `marker` (`named`), or new since `before` (`unnamed`). Read only.
  func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  /// Stops `ref` (the leaked one) from being accepted, at this place. `replacedBy` tells whether the same ref now has a new
  /// value. The value may be the only authority for it (`capabilities.authority == .self`).
  func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  /// Ends sessions opened with the leaked credential before `before`.
  func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  /// Removes it for good. Repeating it is fine.
  func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
}

extension CredentialProvider {
  public func handedOver() async throws(CapabilityError) -> IssuedCredential {
    throw CapabilityError(.unsupported, "take what a person issued", because: "\(Self.kind) issues by itself")
  }
  public var handOverPlace: String? { nil }
  public var account: CredentialRef? { nil }
  public var shape: MaterialShape { .secret }
  public func ref(ofIssued secret: Secret) async throws(CapabilityError) -> CredentialRef {
    try await identify(Leak(secret)).identity
  }
  public func subject(_ identity: CredentialRef) async throws(CapabilityError) -> Subject {
    Subject(identity)
  }
  public func reach(_ ref: CredentialRef) async throws(CapabilityError) -> Reach { .unknown }
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    .unknown
  }
  public func slots() async throws(CapabilityError) -> Slots? { nil }
  public func loginReadiness() async -> [Readiness] { [] }
  public func knowing(_ present: @escaping @Sendable () async -> [Secret]) -> Self { self }
}
