import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Playbooks

// What runs is what was approved: what the plan found outside, and the entries of staunch.yaml behind a step's targets.
extension Engine {
  /// An entry that is not the one that was planned.
  struct ChangedEntry {
    let name: String
    let expected: JSONValue
    let found: JSONValue

    var error: CapabilityError {
      CapabilityError(
        .configuration, "use \(name)",
        because: "its entry in staunch.yaml changed since the plan was approved",
        fix: "put the entry back as it was, or take back by hand what the run has made")
    }
  }

  /// What the plan said must still hold: read again right before the first INTENT. Nil when nothing can be compared.
  func observed(_ run: EffectRun, _ call: ActionCall) async throws(CapabilityError) -> PlannedEffect? {
    guard let line = planned[run.key]?.effect, !line.preconditions.isEmpty, !run.isUndo,
      !hasTouched(run, line) || !line.constants.isEmpty
    else { return nil }
    return try await limited(to: run.timeout, by: environment.clock, run.action.signature.id) {
      () async throws(CapabilityError) in
      try await run.action.plan(call)
    }
  }

  /// What the run itself has changed before is not as it was planned, and should not be.
  private func hasTouched(_ run: EffectRun, _ planned: PlannedEffect) -> Bool {
    recorder.history { !$0.touched.isDisjoint(with: run.touches + [planned.target]) }
  }

  /// - Returns: the end of the run, when something is no longer as it was planned.
  func checkDrift(_ run: EffectRun, _ found: PlannedEffect) throws -> Flow? {
    guard let line = planned[run.key]?.effect else { return nil }
    let expected = line.preconditions
    let isTouched = hasTouched(run, line)
    for name in Set(expected.keys).union(found.preconditions.keys).sorted()
    where (!isTouched || line.constants.contains(name))
      && PlannedEffect.differ(expected[name], found.preconditions[name])
    {
      return try drift(
        run.key, what: "\(found.target): \(name)", expected: expected[name] ?? .null,
        found: found.preconditions[name] ?? .null)
    }
    return nil
  }

  /// Compares the settings of every target among `inputs` with the approved ones; nil when they are the same.
  ///
  /// A plan that an earlier version saved names no settings; it is compared by what it has.
  func changedEntry(_ inputs: [String: Value]) -> ChangedEntry? {
    guard !plan.targets.isEmpty else { return nil }
    var now: [String: String] = [:]
    for target in inputs.values.flatMap(\.targetValues) {
      now.merge(environment.attributes.settings(of: target)) { first, _ in first }
    }
    for (name, digest) in now.sorted(by: { $0.key < $1.key }) where plan.targets[name] != digest {
      return ChangedEntry(
        name: name,
        expected: plan.targets[name].map { .string(String($0.prefix(12))) } ?? "not part of the plan",
        found: .string(String(digest.prefix(12))))
    }
    return nil
  }
}

extension Value {
  /// The targets of staunch.yaml that it names, in lists and records too.
  var targetValues: [Value] {
    switch self {
    case .credential, .store, .consumer, .repository, .tracker: [self]
    case .list(let elements): elements.flatMap(\.targetValues)
    case .record(let members): members.values.flatMap(\.targetValues)
    case .null, .unknown, .string, .integer, .boolean, .duration, .timestamp, .url, .secret, .incident: []
    }
  }
}
