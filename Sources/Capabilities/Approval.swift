import Cryptography
public import Foundation
public import Incidents
public import Secrets

/// SHA-256 (hex) over a plan's playbook, includes, inputs, preconditions and effects.
public struct PlanDigest: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
  public let rawValue: String
  public init(_ rawValue: String) { self.rawValue = rawValue }
  public init(rawValue: String) { self.rawValue = rawValue }
  public var description: String { rawValue }
  /// The first twelve digits, for people.
  public var short: String { String(rawValue.prefix(12)) }
}

/// A person's (or a policy's) signed "yes" to exactly one plan, or to one gated step of it.
public struct Approval: Sendable, Hashable, Codable {
  public let digest: PlanDigest
  /// The step that asked (`approve:`), or nil for the plan as a whole.
  public let step: StepID?
  public let role: RoleName
  /// Fingerprint of the approver's public key.
  public let identity: String
  public let at: Date
  /// Ed25519 over ``signedBytes(digest:step:role:at:actions:)``.
  public let signature: Data
  /// The only actions that it covers, by name; nil: the whole plan. Only a policy's approval is bounded.
  public let actions: Set<String>?

  public init(
    digest: PlanDigest, step: StepID?, role: RoleName, identity: String, at: Date, signature: Data,
    actions: Set<String>? = nil
  ) {
    self.actions = actions
    self.digest = digest
    self.step = step
    self.role = role
    self.identity = identity
    self.at = at
    self.signature = signature
  }

  /// What is signed: a fixed prefix, then each part on its own line; the time in whole seconds since 1970.
  ///
  /// A bounded approval starts with another prefix and ends with its actions, so neither can be passed off as the other.
  public static func signedBytes(
    digest: PlanDigest, step: StepID?, role: RoleName, at: Date, actions: Set<String>? = nil
  ) -> Data {
    let parts = "\(digest)\n\(step?.rawValue ?? "*")\n\(role)\n\(Int(at.timeIntervalSince1970))\n"
    guard let actions else { return Data("staunch approval v1\n\(parts)".utf8) }
    return Data(
      "staunch policy approval v1\n\(parts)\(actions.sorted().joined(separator: ","))\n".utf8)
  }

  func isSigned(by approver: ApproverIdentity) -> Bool {
    approver.publicKey.isValidSignature(
      signature, for: Approval.signedBytes(digest: digest, step: step, role: role, at: at, actions: actions))
  }
}

/// Somebody who may approve: a public key and the roles it may act in.
public struct ApproverIdentity: Sendable {
  let publicKey: Curve25519.Signing.PublicKey
  public let roles: Set<RoleName>
  /// SHA-256 of the public key, the first 16 hex digits.
  public let fingerprint: String
  /// Set for a policy: the most that its approvals can cover. Nil for people.
  public let actions: Set<String>?
  /// Whose key it is: two keys of one person are one yes. Empty: not known, so it may be anybody's second key.
  public let person: String

  /// - Parameters:
  ///   - rawKey: the 32 bytes of an Ed25519 public key.
  ///   - person: see ``person``; nil: somebody who has this key alone.
  ///   - actions: for a policy, the actions that it may let run without a person.
  /// - Throws: `CryptographyError` when the key is none.
  public init(rawKey: Data, roles: Set<RoleName>, actions: Set<String>? = nil, person: String? = nil) throws {
    self.actions = actions
    publicKey = try Curve25519.Signing.PublicKey(rawRepresentation: rawKey)
    self.roles = roles
    let fingerprint = String(Hex.text(SHA256.hash(data: rawKey)).prefix(16))
    self.fingerprint = fingerprint
    self.person = person ?? fingerprint
  }
}

/// The operator's signing key; its file is mode 0600 in the state directory.
public struct LocalIdentity: Sendable {
  private let key: Curve25519.Signing.PrivateKey

  /// A new random key.
  public init() { key = Curve25519.Signing.PrivateKey() }

  /// - Throws: `CryptographyError` when `secret` is not 32 bytes of a key.
  public init(secret: Secret) throws {
    key = try Curve25519.Signing.PrivateKey(rawRepresentation: secret.exposeAsBytes())
  }

  /// The private key's bytes, for its file.
  public var secret: Secret { Secret(SecretBytes(copying: key.rawRepresentation)) }
  /// The public key's 32 bytes.
  public var publicKey: Data { key.publicKey.rawRepresentation }
  /// As in ``ApproverIdentity/fingerprint``.
  public var fingerprint: String { String(Hex.text(SHA256.hash(data: publicKey)).prefix(16)) }

  /// Signs one approval. Signing is not an effect: only a checked ``ApprovedPlan`` gives authority.
  ///
  /// - Parameter actions: bounds the approval to these actions (a policy's); nil approves the whole plan.
  public func approve(
    _ digest: PlanDigest, step: StepID? = nil, role: RoleName, at: Date, actions: Set<String>? = nil
  ) throws -> Approval {
    let bytes = Approval.signedBytes(digest: digest, step: step, role: role, at: at, actions: actions)
    return Approval(
      digest: digest, step: step, role: role, identity: fingerprint, at: at,
      signature: try key.signature(for: bytes), actions: actions)
  }

  /// Signs other bytes, for example the journal's head.
  public func sign(_ bytes: some DataProtocol) throws -> Data { try key.signature(for: bytes) }
}

/// How many people must say yes, and who.
public struct ApprovalRule: Sendable, Hashable, Codable {
  /// Approvals in any of these roles count; empty: in any role.
  public let roles: Set<RoleName>
  /// At least this many different people, from 1: nothing runs without an approval.
  public let minimum: Int
  /// When set, the approval of whoever has this identity does not count, whichever key they use.
  public let notBy: String?

  public init(roles: Set<RoleName> = [], minimum: Int = 1, notBy: String? = nil) {
    self.roles = roles
    self.minimum = max(1, minimum)
    self.notBy = notBy
  }

  /// People are counted, not keys. A key of which nobody says whose it is may be anybody's: beside a named person it adds
  /// nobody.
  func check(_ approvals: [Approval], of trusted: [ApproverIdentity]) throws(ApprovalError) {
    func person(_ identity: String) -> String { trusted.first { $0.fingerprint == identity }?.person ?? "" }
    let excluded = notBy.map(person)
    let counted = approvals.filter { approval in
      guard approval.identity != notBy, roles.isEmpty || roles.contains(approval.role) else { return false }
      return excluded == nil || excluded == "" || person(approval.identity) != excluded
    }
    let people = Set(counted.map { person($0.identity) })
    let named = people.subtracting([""])
    let count = named.isEmpty ? people.count : named.count
    // A decoded rule may claim less than one.
    let minimum = max(1, minimum)
    guard count >= minimum else {
      let wanted = roles.isEmpty ? "anyone" : roles.map(\.rawValue).sorted().joined(separator: " or ")
      let unnamed =
        people.contains("") && counted.count > count
        ? "; a key counts beside others once staunch.yaml says whose it is (policy: operator; staunch people trust)"
        : ""
      throw ApprovalError(.missing, "\(count) of \(minimum) approvals by \(wanted)\(unnamed)")
    }
  }
}

/// Why an approval does not hold.
public struct ApprovalError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable { case otherPlan, untrusted, badSignature, missing }
  public let code: Code
  public let because: String
  init(_ code: Code, _ because: String) {
    self.code = code
    self.because = because
  }
  public var description: String { because }
}
