public import Foundation
import JSON

/// What a playbook's proof stands on, as `step.verified` keeps it: from when to when a credential was refused without a
/// break, how often, at which addresses, and how long a change may take to hold everywhere.
public struct ProofOfDeath: Sendable, Hashable {
  /// The first and the last refusal of the unbroken row.
  public let began: Date
  public let ended: Date
  public let refusals: Int
  /// Logins of the runner's own, or of the replacement, that were accepted in between.
  public let controls: Int
  /// The addresses that were asked, each by itself; empty: the name alone.
  public let addresses: [String]
  public let propagation: Duration
  public let evidence: EvidenceLink

  /// Nil when the event is no proof.
  init?(_ event: JournalEvent) {
    guard event.kind == .stepVerified, let proof = event.body["proof"],
      let began = proof["began"]?.string.flatMap(Timestamp.date),
      let ended = proof["ended"]?.string.flatMap(Timestamp.date)
    else { return nil }
    self.began = began
    self.ended = ended
    refusals = proof["refusals"]?.integer ?? 0
    controls = proof["control_logins"]?.integer ?? 0
    addresses = (proof["addresses"]?.array ?? []).compactMap(\.string)
    propagation = .seconds(proof["propagation_seconds"]?.integer ?? 0)
    evidence = event.evidence
  }

  /// "refused 18 times from 03:09:30Z to 03:10:31Z, 21 control logins accepted, propagation time 1 min".
  public var text: String {
    let from = Timestamp.text(began).dropFirst(11).prefix(8)
    let to = Timestamp.text(ended).dropFirst(11).prefix(8)
    let places = addresses.isEmpty ? "" : " at \(addresses.joined(separator: ", "))"
    return
      "refused \(refusals) times\(places) from \(from)Z to \(to)Z, \(controls) control logins accepted, "
      + "propagation time \(DurationText.text(propagation))"
  }
}

extension JournalEvent {
  /// The proof of death that this event is; nil when it is none.
  public var proofOfDeath: ProofOfDeath? { ProofOfDeath(self) }
}
