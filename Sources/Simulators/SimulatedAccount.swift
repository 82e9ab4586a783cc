public import Capabilities
import Foundation
public import Incidents
import Secrets
import Synchronization

/// The truth behind a simulated provider: which credentials there are, and what each node answers to each value at every
/// moment.
///
/// After a change a node may give the old answer for a while (``Manners/stale``), or old and new answers in turn.
public final class SimulatedAccount: Sendable {
  /// How the nodes behave.
  public struct Manners: Sendable {
    /// For how long after a change a node may still give the old answer.
    public var stale: Duration = .zero
    /// In that time each node gives old and new answers in turn (401 and 200); otherwise only old ones.
    public var takesTurns = false
    /// A node that no change reaches until it is up again; nobody can ask it either.
    public var down: String?
    public init() {}
  }

  /// A credential that exists.
  public struct Entry: Sendable, Hashable {
    public let ref: CredentialRef
    public var value: String
    /// The name that it was made under; nil where the provider gives none.
    public let name: String?
    /// When it ends by itself.
    public let expiry: Duration?
    /// Whether programs have drawn it, or the runner has.
    public let madeAt: Duration
  }

  private struct Answer: Sendable {
    var now: Bool
    var before: Bool
    var changed: Duration
  }

  private struct State: Sendable {
    var entries: [Entry] = []
    /// Value → node → its answer.
    var answers: [String: [String: Answer]] = [:]
    var manners = Manners()
    var turn = false
    var next = 0
    var calls: [String] = []
  }

  public let conditions: any SimulatorConditions
  /// Every node, in the order in which they are asked.
  public let nodes: [String]
  private let state = Mutex(State())

  public init(conditions: any SimulatorConditions, nodes: [String] = ["node-1"]) {
    self.conditions = conditions
    self.nodes = nodes
  }

  public var manners: Manners { state.withLock { $0.manners } }
  public func set(_ change: (inout Manners) -> Void) { state.withLock { change(&$0.manners) } }
  public var entries: [Entry] { state.withLock { $0.entries } }
  /// Every value that any node ever heard of.
  public var values: [String] { state.withLock { $0.answers.keys.sorted() } }
  /// Every change that was carried out, in order.
  public var calls: [String] { state.withLock { $0.calls } }
  func note(_ call: String) { state.withLock { $0.calls.append(call) } }

  public func entry(_ ref: CredentialRef) -> Entry? { entries.first { $0.ref == ref } }
  public func entry(holding value: String) -> Entry? { entries.first { $0.value == value } }

  /// A number that no other credential has.
  func number() -> Int {
    state.withLock { state in
      state.next += 1
      return state.next
    }
  }

  // MARK: changes

  /// Adds a credential that every node accepts. - Parameter isOld: no node is behind about it.
  @discardableResult
  public func add(
    _ ref: CredentialRef, _ value: String, name: String? = nil, expiry: Duration? = nil, isOld: Bool = false
  ) -> Entry {
    let now = conditions.elapsed
    return state.withLock { state in
      let entry = Entry(ref: ref, value: value, name: name, expiry: expiry, madeAt: now)
      state.entries.append(entry)
      for node in nodes {
        Self.set(true, value, node, now, &state)
        if isOld { state.answers[value]?[node]?.before = true }
      }
      return entry
    }
  }

  /// Gives a credential another value at `node`s; the old one is no longer accepted there.
  func replace(_ ref: CredentialRef, with value: String, keepingOld: Bool = false) {
    let now = conditions.elapsed
    state.withLock { state in
      guard let index = state.entries.firstIndex(where: { $0.ref == ref }) else { return }
      let old = state.entries[index].value
      state.entries[index].value = value
      for node in nodes {
        if !keepingOld { Self.set(false, old, node, now, &state) }
        Self.set(true, value, node, now, &state)
      }
    }
  }

  func remove(_ ref: CredentialRef) {
    let now = conditions.elapsed
    state.withLock { state in
      for entry in state.entries where entry.ref == ref {
        for node in nodes { Self.set(false, entry.value, node, now, &state) }
      }
      state.entries.removeAll { $0.ref == ref }
    }
  }

  /// Sets what `node` (or every one) answers to `value`.
  public func set(_ isAccepted: Bool, _ value: String, at node: String? = nil) {
    let now = conditions.elapsed
    state.withLock { state in
      for each in node.map({ [$0] }) ?? nodes { Self.set(isAccepted, value, each, now, &state) }
    }
  }

  private static func set(
    _ isAccepted: Bool, _ value: String, _ node: String, _ now: Duration, _ state: inout State
  ) {
    let last = state.answers[value]?[node]
    guard last?.now != isAccepted else { return }
    state.answers[value, default: [:]][node] = Answer(
      now: isAccepted, before: last?.now ?? false, changed: now)
  }

  // MARK: answers

  /// What `node` answers now; nil when it cannot be asked.
  func answer(_ value: String, at node: String) -> Bool? {
    let now = conditions.elapsed
    return state.withLock { state in
      guard state.manners.down != node else { return nil }
      if let expiry = state.entries.first(where: { $0.value == value })?.expiry, expiry <= now {
        return false
      }
      guard let answer = state.answers[value]?[node] else { return false }
      guard now < answer.changed + state.manners.stale else { return answer.now }
      guard state.manners.takesTurns else { return answer.before }
      state.turn.toggle()
      return state.turn ? answer.now : answer.before
    }
  }

  /// Whether any node will accept `value` when every change has come to it.
  public func isAccepted(_ value: String) -> Bool {
    state.withLock { state in (state.answers[value] ?? [:]).values.contains(where: \.now) }
  }

  /// Whether any node accepts `value` now, or may still do so.
  public func isAcceptedAnywhere(_ value: String) -> Bool {
    let now = conditions.elapsed
    return state.withLock { state in
      if let expiry = state.entries.first(where: { $0.value == value })?.expiry, expiry <= now {
        return false
      }
      return (state.answers[value] ?? [:]).values.contains { answer in
        answer.now || (answer.before && now < answer.changed + state.manners.stale)
      }
    }
  }

  /// Refusals for one verdict at one node: a node that takes turns is met more often than its turn.
  private static let refusals = 4

  /// Dead means that every one of `nodes` refused it again and again; one that cannot be asked makes it unknown.
  func probe(_ secret: Secret, at nodes: [String]) async throws(CapabilityError) -> CredentialProbe {
    let value = secret.exposeAsText()
    var places: [(place: String, probe: CredentialProbe)] = []
    for node in nodes { places.append((node, try await probe(value, at: node))) }
    return CredentialProbe.verdict(at: places)
  }

  private func probe(_ value: String, at node: String) async throws(CapabilityError) -> CredentialProbe {
    for _ in 0..<Self.refusals {
      do throws(CapabilityError) { try await conditions.ask("verify") } catch {
        guard [.rateLimit, .network, .timeout, .serverError].contains(error.class) else { throw error }
        return CredentialProbe(.unknown, code: error.class.rawValue)
      }
      switch answer(value, at: node) {
      case true?: return CredentialProbe(.alive, code: "200")
      case false?: continue
      case nil: return CredentialProbe(.unknown, code: "no answer")
      }
    }
    return CredentialProbe(
      .dead, code: "401", evidence: ProbeEvidence(refusals: Self.refusals, controls: Self.refusals + 1))
  }
}
