import Capabilities
import Foundation
import Incidents
import JSON
import Synchronization

/// How long a credential has been refused without a break: what the proof of its death stands on.
///
/// One refusal may come from a node that is ahead of the others. So the row of refusals itself must last for the provider's
/// propagation time, all of it after the last change: then it also holds when somebody else made a change that nobody told
/// us of. An acceptance after the last change starts everything over, and shows that the declared time is not the whole
/// truth: then the row must last as long again as the acceptance came late, with three times as many refusals.
struct DeathWatch {
  /// Three times as many refusals: two nodes of which one accepts must not pass by chance.
  static let weightOfAcceptance = 3

  let propagation: Duration
  /// The last change, by the clock that never jumps.
  let changed: Duration
  private let consecutive: Int
  private(set) var accepted: Duration?
  private var streak = 0
  private var began: (at: Date, elapsed: Duration)?
  private var ended: (at: Date, elapsed: Duration)?
  private var firstRefusal: Date?
  private var lastAcceptance: Date?
  private var refusals = 0
  private var controls = 0
  private var addresses: Set<String> = []

  /// - Parameters:
  ///   - accepted: when it was last accepted since the change, before this watch.
  init(propagation: Duration, changed: Duration, accepted: Duration?, consecutive: Int) {
    self.propagation = propagation
    self.changed = changed
    self.accepted = accepted
    self.consecutive = consecutive
  }

  mutating func refused(_ probes: [ProbeRecord], at now: Date, elapsed: Duration) {
    streak += 1
    if began == nil { began = (now, elapsed) }
    if firstRefusal == nil { firstRefusal = now }
    ended = (now, elapsed)
    for probe in probes {
      refusals += probe.probe.evidence?.refusals ?? 1
      controls += probe.probe.evidence?.controls ?? 0
      addresses.formUnion(probe.probe.evidence?.addresses ?? [])
    }
  }

  /// Accepted, or no verdict: what was refused before it counts no more.
  mutating func broken(isAccepted: Bool, at now: Date, elapsed: Duration) {
    streak = 0
    began = nil
    ended = nil
    refusals = 0
    controls = 0
    addresses = []
    guard isAccepted else { return }
    firstRefusal = nil
    lastAcceptance = now
    accepted = elapsed
  }

  /// True when the refusals prove it.
  var isProof: Bool {
    guard let began, let ended else { return false }
    return streak >= needed && ended.elapsed >= max(began.elapsed, changed) + quiet
  }

  private var needed: Int { accepted == nil ? consecutive : consecutive * Self.weightOfAcceptance }
  private var quiet: Duration { accepted.map { max(propagation, $0 - changed) } ?? propagation }

  /// For `step.verified`: from when to when it was looked, and at what.
  var facts: [String: JSONValue] {
    var members: [String: JSONValue] = [
      "refusals": .integer(refusals), "control_logins": .integer(controls),
      "addresses": .array(addresses.sorted().map(JSONValue.string)),
      "propagation_seconds": .integer(Int(propagation.components.seconds)),
    ]
    if let firstRefusal { members["first_refusal"] = .string(Timestamp.text(firstRefusal)) }
    if let began { members["began"] = .string(Timestamp.text(began.at)) }
    if let ended { members["ended"] = .string(Timestamp.text(ended.at)) }
    if let began, let ended {
      members["lasted_milliseconds"] = .integer(Int((ended.elapsed - began.elapsed).milliseconds))
    }
    if let lastAcceptance { members["last_acceptance"] = .string(Timestamp.text(lastAcceptance)) }
    return members
  }
}

// What the engine remembers for it: when something changed, and what was accepted since.
extension Engine {
  /// Effects after which another secret may be accepted, or none.
  static let changesAcceptance: Set<String> = [
    "credential.issue", "credential.disable", "credential.delete",
  ]

  /// The watch over the credential that `result` was about; nil where its expectation is no proof.
  func watch(_ result: ActionResult, answer: String, consecutive: Int) -> DeathWatch? {
    guard answer == CredentialState.dead.rawValue, consecutive > 1, let propagation = result.propagation
    else {
      return nil
    }
    let refs = Set(result.probes.map(\.secret))
    let (changed, accepted) = session.withLock { session in
      (session.changed, refs.compactMap { session.accepted[$0] }.max())
    }
    // What an earlier process saw has no place on this process's clock: the start is the latest it can have been.
    let before = recorder.history { $0.accepted }
    let earlier = !before.isDisjoint(with: refs)
    return DeathWatch(
      propagation: propagation, changed: changed, accepted: accepted ?? (earlier ? changed : nil),
      consecutive: consecutive)
  }

  /// Remembers what was accepted.
  func noteAcceptances(_ probes: [ProbeRecord]) {
    let now = environment.clock.elapsed
    session.withLock { session in
      for record in probes where record.probe.state == .alive { session.accepted[record.secret] = now }
    }
  }

  /// An effect was carried out, or may have been: what was seen before it counts no more.
  func noteChange(_ action: String) {
    guard Self.changesAcceptance.contains(action) else { return }
    let now = environment.clock.elapsed
    session.withLock { session in
      session.changed = now
      session.accepted = [:]
    }
  }
}
