public import Foundation
public import Incidents
import JSON

/// A playbook's proof that leaked values are dead: its own question `expect: dead`, refused so often in a row as it asks.
///
/// A single refusal is none: a gateway's one 401, a renamed role, a replica that is ahead. So what `verify:` of an effect,
/// triage or `credential verify` saw proves nothing, however often.
public struct DeathProof: Sendable, Hashable {
  public let credential: CredentialName?
  /// The values that it covers; one that is not among them is not proven.
  public let values: [SecretRef]
  public let step: StepID?
  /// When it held: the last refusal of the unbroken row.
  public let at: Date
  /// The first of its refusals, where the journal says it.
  public let from: Date?
  /// Refusals in a row of each value.
  public let refusals: Int?
  /// Logins of the runner's own, or of the replacement, that were accepted in between; nil: the journal does not say it.
  public let controls: Int?
  /// The addresses that were asked, each by itself; empty: the name alone.
  public let addresses: [String]
  /// How long a change may take to hold everywhere; nil: the journal does not say it.
  public let propagation: Duration?
  public let evidence: EvidenceLink
  let sequence: Int
}

/// Which leaked values of an incident are proven dead.
public struct Containment: Sendable, Hashable {
  /// What must be proven before the incident is contained: every sealed value, and every secret that was probed as leaked,
  /// oldest first.
  public let values: [SecretRef]
  /// The latest proof of each value that no later acceptance has taken back, nor a report that says it works; that one
  /// weighs until we have asked ourselves.
  public let proofs: [SecretRef: DeathProof]
  /// The first proof of each value since it was last accepted: what is proven again later was dead before.
  public let firsts: [SecretRef: DeathProof]

  /// Values that nothing has proven dead.
  public var unproven: [SecretRef] { values.filter { proofs[$0] == nil } }

  /// The playbook's proof held for every leaked value, and none was accepted since. Nothing else contains an incident.
  public var isComplete: Bool { !values.isEmpty && unproven.isEmpty }

  /// The proof that completed it; nil while it is not complete.
  public var completed: DeathProof? {
    isComplete ? values.compactMap { firsts[$0] }.max { $0.sequence < $1.sequence } : nil
  }

  init(of record: IncidentRecord) {
    var values = LeakedValues()
    var probed: [SecretRef] = []
    var streaks: [SecretRef: [JournalEvent]] = [:]
    var proofs: [SecretRef: DeathProof] = [:]
    var firsts: [SecretRef: DeathProof] = [:]
    // Proofs of before a report that says the value works: they stand again when we see it refused after that.
    var doubted: [SecretRef: DeathProof] = [:]
    for event in record.events {
      values.take(event)
      switch event.typed {
      case .incidentUpdated(let report):
        for ref in report.reportedActive { doubted[ref] = proofs.removeValue(forKey: ref) ?? doubted[ref] }
      case .credentialProbed(let probe) where probe.subject == .leaked:
        let ref = probe.ref ?? SecretRef("")
        if !probed.contains(ref) { probed.append(ref) }
        if probe.state == .alive {
          proofs[ref] = nil
          firsts[ref] = nil
          doubted[ref] = nil
        }
        if probe.state == .dead, let proof = doubted.removeValue(forKey: ref) { proofs[ref] = proof }
        if probe.state == .dead { streaks[ref, default: []].append(event) } else { streaks[ref] = nil }
      case .stepVerified:
        guard let proof = DeathProof(event, streaks: streaks) else { continue }
        for value in proof.values {
          proofs[value] = proof
          firsts[value] = firsts[value] ?? proof
        }
      default: continue  // says nothing about what is accepted
      }
    }
    self.values = values.refs + probed.filter { !values.refs.contains($0) }
    self.proofs = proofs
    self.firsts = firsts
  }
}

extension IncidentRecord {
  /// Which leaked values are proven dead.
  public var containment: Containment { Containment(of: self) }
}

extension DeathProof {
  /// - Parameter streaks: the latest unbroken refusals of each leaked value, for proofs of before they named their values:
  ///   such a one covers what its run saw refused at least twice in a row.
  fileprivate init?(_ event: JournalEvent, streaks: [SecretRef: [JournalEvent]]) {
    // `held` is the step's own question; the verification of an effect notes the answer itself.
    guard case .stepVerified(let verified) = event.typed, verified.action == "credential.verify",
      verified.expected == "dead", verified.result == "held"
    else { return nil }
    step = verified.step
    at = verified.proof?.ended ?? event.at
    evidence = event.evidence
    sequence = event.sequence
    if let proof = verified.proof {
      values = proof.values
      credential = proof.credential
      from = proof.began
      refusals = proof.refusals
      controls = proof.controls
      addresses = proof.addresses
      propagation = proof.propagation
    } else {
      let own = streaks.mapValues { $0.filter { $0.run == event.run } }.filter { $0.value.count > 1 }
      let first = own.values.compactMap(\.first).min { $0.sequence < $1.sequence }
      values = own.keys.sorted()
      credential = first.flatMap { CredentialProbed($0.body).credential }
      from = first?.at
      refusals = own.values.map(\.count).min()
      controls = nil
      addresses = []
      propagation = nil
    }
    guard !values.isEmpty else { return nil }
  }

  /// "refused 18 times from 03:09:30Z to 03:10:31Z, 21 control logins accepted, propagation time 1 min".
  public var text: String {
    func clock(_ date: Date) -> String { "\(Timestamp.text(date).dropFirst(11).prefix(8))Z" }
    var text = "refused"
    if let refusals { text += " \(refusals) times" }
    if !addresses.isEmpty { text += " at \(addresses.joined(separator: ", "))" }
    if let from { text += " from \(clock(from))" }
    text += " to \(clock(at))"
    if let controls { text += ", \(controls) control logins accepted" }
    if let propagation {
      text += ", propagation time \(propagation == .zero ? "0 s" : DurationText.text(propagation))"
    }
    return text
  }
}

extension JournalEvent {
  /// The proof of death that this event is; nil when it is none, or names no value that it proves.
  public var deathProof: DeathProof? { DeathProof(self, streaks: [:]) }
}
