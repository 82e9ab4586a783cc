public import Capabilities
import Cryptography
public import Foundation
public import Incidents
import JSON
import Secrets

/// What a person signs on the console, so that the worker can tell it from what an endpoint made up.
public enum SignedDecision: Sendable, Hashable {
  /// A yes to one plan, or to one gated step of it: an ordinary ``Approval``.
  case approve(PlanDigest, step: StepID?)
  /// A step is left out, for this reason.
  case skip(PlanDigest, step: StepID, reason: String)
  /// A step of which nobody can tell whether it happened is done again; it may then have happened twice.
  case retry(PlanDigest, step: StepID, reason: String)
  /// A run is taken back.
  case abort(PlanDigest, reason: String)
  /// What a manual step asks for, by name.
  case answer(PlanDigest, step: StepID, fields: [String: String])
  /// An incident is over.
  case close(incident: String, reason: String)
  /// A storm's incidents may start. `storm` is the board's id of it, so that a word for one storm releases no other.
  case releaseStorm(storm: String, reason: String)

  /// What stands in the digest's place of `Approval.signedBytes`. A skip can never be shown as an approval, nor the other way
  /// round, and a reason or an answer cannot be changed.
  public var digest: PlanDigest {
    switch self {
    case .approve(let digest, _): digest
    case .skip(let digest, _, let reason): Self.word("skip", digest.rawValue, reason)
    case .retry(let digest, _, let reason): Self.word("retry", digest.rawValue, reason)
    case .abort(let digest, let reason): Self.word("abort", digest.rawValue, reason)
    case .answer(let digest, _, let fields):
      Self.word("answer", digest.rawValue, JSONValue.object(fields.mapValues { .string($0) }).canonicalText)
    case .close(let incident, let reason): Self.word("close", incident, reason)
    case .releaseStorm(let storm, let reason): Self.word("release-storm", storm, reason)
    }
  }

  /// Of another form than any plan's digest.
  private static func word(_ verb: String, _ object: String, _ text: String) -> PlanDigest {
    PlanDigest("\(verb):\(object):\(Hex.text(SHA256.hash(data: Data(text.utf8))))")
  }

  public var step: StepID? {
    switch self {
    case .approve(_, let step): step
    case .skip(_, let step, _), .retry(_, let step, _), .answer(_, let step, _): step
    case .abort, .close, .releaseStorm: nil
    }
  }

  /// Signs it. The instant is cut to whole seconds, as the signature sees it.
  public func signed(by identity: LocalIdentity, role: RoleName, at instant: Date) throws -> Approval {
    let at = Date(timeIntervalSince1970: instant.timeIntervalSince1970.rounded(.down))
    return try identity.approve(digest, step: step, role: role, at: at)
  }

  /// Whether `signature` is this person's for exactly this decision.
  public func isSigned(_ signature: Data, role: RoleName, at: Date, publicKey: Data) -> Bool {
    // Bytes that are no key have signed nothing.
    guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
    return key.isValidSignature(
      signature, for: Approval.signedBytes(digest: digest, step: step, role: role, at: at))
  }
}
