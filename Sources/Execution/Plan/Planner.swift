public import Capabilities
import Foundation
public import Incidents
import JSON
public import Playbooks
import Secrets

/// Finds out what a playbook would do. Reads run for real; nothing is changed: no ``ExecutionAuthority`` exists here.
///
/// A read that stands after a change is not made, because the world it asks about does not exist yet: its outputs stay
/// unknown, and a condition on them shows both branches as "maybe".
public struct Planner: Sendable {
  let actions: [String: AnyAction]
  let secrets: any SecretResolver
  let attributes: any AttributeSource
  let clock: any EngineClock
  let progress: any ProgressSink

  /// Loops with more items are planned by their first item alone; the others are read right before they run.
  static let itemLimit = 256

  public init(
    actions: [String: AnyAction], secrets: any SecretResolver,
    attributes: any AttributeSource = NoAttributes(),
    clock: any EngineClock = SystemClock(), progress: any ProgressSink = SilentProgress()
  ) {
    self.actions = actions
    self.secrets = secrets
    self.attributes = attributes
    self.clock = clock
    self.progress = progress
  }

  /// The plan of `playbook` with `inputs`.
  ///
  /// - Parameters:
  ///   - id: of the plan.
  ///   - run: of the one run that may come from it; it names what that run makes outside.
  /// - Throws: `.input`, `.playbook`. What cannot be read outside is no error: the plan says so.
  public func plan(
    _ playbook: Playbook, inputs: [String: Value], incident: IncidentID?, id: PlanID, run: RunID
  ) async throws(ExecutionError) -> Plan {
    let inputs = try Planner.checked(inputs, for: playbook)
    var walk = PlanWalk(planner: self, run: run, incident: incident)
    let scope = Scope(inputs: inputs, attributes: attributes)
    var locks: [String] = []
    for template in playbook.locks {
      guard
        let name = try evaluate(
          "evaluate locks:", { () throws(EvaluationError) in try template.value(in: scope) }
        ).text
      else {
        throw ExecutionError(
          .playbook, "evaluate locks:", because: "a lock of \(playbook.source.file) has no known name",
          fix: "name the credential in staunch.yaml; its provider gives the lock")
      }
      locks.append(name)
    }
    walk.results = [:]
    let frame = Frame(inputs: inputs, items: [:], item: nil)
    try await walk.sequence(playbook.steps, frame, .will)
    try await walk.sequence(playbook.finally, frame, .will)
    return Plan(
      id: id, run: run, incident: incident, created: clock.now, playbook: playbook.id,
      pins: Dictionary(playbook.pins.map { ($0.id, $0.sha256) }) { first, _ in first }, inputs: inputs,
      locks: Array(Set(locks)).sorted(), targets: walk.targets, steps: walk.lines)
  }

  /// `given` with defaults, coerced to the declared types.
  static func checked(_ given: [String: Value], for playbook: Playbook) throws(ExecutionError) -> [String:
    Value]
  {
    let names = Set(playbook.inputs.map(\.name))
    if let stranger = given.keys.filter({ !names.contains($0) }).min() {
      throw ExecutionError(
        .input, "plan \(playbook.id)", because: "there is no input \"\(stranger)\"",
        fix: "inputs are: \(names.sorted().joined(separator: ", "))")
    }
    var inputs: [String: Value] = [:]
    for declaration in playbook.inputs {
      guard let value = given[declaration.name] ?? declaration.defaultValue else {
        throw ExecutionError(
          .input, "plan \(playbook.id)",
          because: "the input \"\(declaration.name)\" (\(declaration.type)) is missing",
          fix: "add --input with \(declaration.name)= and a \(declaration.type)")
      }
      guard let coerced = value == .null ? .null : value.coerced(to: declaration.type) else {
        if case .list(let values) = value, declaration.type == .secret, values.count > 1 {
          throw ExecutionError(
            .input, "plan \(playbook.id)",
            because: "the incident has \(values.count) leaked values, and the playbook's input "
              + "\"\(declaration.name)\" takes one: the others would stay as they are",
            fix: "in \(playbook.source.file) write \(declaration.name): {type: list<secret>}, and hand it to "
              + "remove: and secrets: as it is, without brackets")
        }
        throw ExecutionError(
          .input, "plan \(playbook.id)",
          because: "the input \"\(declaration.name)\" is no \(declaration.type)",
          fix: "add --input with \(declaration.name)= and a \(declaration.type)")
      }
      inputs[declaration.name] = coerced
    }
    return inputs
  }
}

/// Hears nothing.
public struct SilentProgress: ProgressSink {
  public init() {}
  public func progress(_ phase: String, done: Int, total: Int?, unit: String) {}
}

/// The inputs and the loop item that a list of steps runs with.
struct Frame: Sendable {
  var inputs: [String: Value]
  var items: [String: Value]
  /// The number of the loop's item; nil outside a loop.
  var item: Int?
}

/// Runs `body` and puts its error into the room's words.
func evaluate<Result>(_ operation: String, _ body: () throws(EvaluationError) -> Result)
  throws(ExecutionError)
  -> Result
{
  do throws(EvaluationError) { return try body() } catch { throw ExecutionError(error, operation) }
}

/// What names a thing outside that a step makes: the same over all attempts and resumes.
///
/// An undo's id holds a slash, which few providers take in a name; no playbook's id has two dots in a row. A run by hand is one
/// step: its id says it all.
func marker(run: RunID, step: StepID, item: Int?) -> String {
  if run.isByHand { return "staunch-\(run)" }
  return "staunch-\(run)-\(step.rawValue.replacingOccurrences(of: "/", with: ".."))-\((item ?? 0) + 1)"
}
