public import Capabilities
import Cryptography
public import Foundation
public import Incidents
public import JSON
public import Journal
public import Playbooks
import Secrets

/// What a run would do, found out without doing it; its digest is what people approve.
public struct Plan: Sendable, Hashable {
  public let id: PlanID
  /// The one run that this plan is for.
  public let run: RunID
  public let incident: IncidentID?
  public let created: Date
  /// The playbook and everything it includes, by SHA-256; the playbook itself first.
  public let playbook: PlaybookID
  public let pins: [PlaybookID: String]
  public let inputs: [String: Value]
  /// Locks that the run takes.
  public let locks: [String]
  /// SHA-256 of the settings of every target that a step touches, by its name ("consumer web").
  public let targets: [String: String]
  public let steps: [PlannedStep]

  init(
    id: PlanID, run: RunID, incident: IncidentID?, created: Date, playbook: PlaybookID,
    pins: [PlaybookID: String], inputs: [String: Value], locks: [String], targets: [String: String] = [:],
    steps: [PlannedStep]
  ) {
    self.id = id
    self.run = run
    self.incident = incident
    self.created = created
    self.playbook = playbook
    self.pins = pins
    self.inputs = inputs
    self.locks = locks
    self.targets = targets
    self.steps = steps
  }

  /// SHA-256 over playbook and includes, inputs, locks, the settings of what is touched, and each step's effects and
  /// preconditions.
  public var digest: PlanDigest {
    let bound = document(steps: steps.map(\.bound))
    return PlanDigest(Hex.text(SHA256.hash(data: Data(bound.canonicalBytes))))
  }

  /// What a yes to a gate lets happen: the effects of its step and of the step's parts; of a step that is only a gate, those
  /// up to the next one.
  public func effects(behind gate: StepID) -> [PlannedStep] {
    let own = steps.filter { $0.step == gate || $0.step.rawValue.hasPrefix("\(gate).") }
    guard let at = steps.lastIndex(where: { $0.step == gate && $0.kind == .gate }) else { return own }
    return own
      + steps[(at + 1)...].prefix { $0.gate == nil }
      .filter { $0.effect != nil && $0.effectClass?.isMutating == true }
  }

  /// What is saved, printed by `plan --json`, and read back for the run.
  public var json: JSONValue {
    var members = document(steps: steps.map(\.json)).object ?? [:]
    members["schema"] = 1
    members["id"] = .string(id.rawValue)
    members["digest"] = .string(digest.rawValue)
    members["created"] = .string(Timestamp.text(created))
    return .object(members)
  }

  private func document(steps: [JSONValue]) -> JSONValue {
    var members: [String: JSONValue] = [
      "run": .string(run.rawValue), "playbook": .string(playbook.rawValue),
      "pins": .object(Dictionary(uniqueKeysWithValues: pins.map { ($0.key.rawValue, .string($0.value)) })),
      "inputs": .object(inputs.mapValues(\.json)), "locks": .array(locks.map(JSONValue.string)),
      "steps": .array(steps),
    ]
    if let incident { members["incident"] = .string(incident.rawValue) }
    // Absent where nothing is bound, so that a plan of an earlier version keeps its digest.
    if !targets.isEmpty { members["targets"] = .object(targets.mapValues(JSONValue.string)) }
    return .object(members)
  }

  /// Reads what ``json`` wrote.
  ///
  /// - Throws: `.plan` when it is damaged: the digest no longer fits what it covers.
  public init(json: JSONValue) throws(ExecutionError) {
    let damaged = ExecutionError(
      .plan, "read the plan", because: "it was damaged or changed after it was saved", fix: "plan again")
    guard json["schema"] == 1, let id = json["id"]?.string, let run = json["run"]?.string,
      let created = json["created"]?.string.flatMap(Timestamp.date), let playbook = json["playbook"]?.string,
      let pins = json["pins"]?.object, let inputs = json["inputs"]?.object, let locks = json["locks"]?.array,
      let lines = json["steps"]?.array
    else { throw damaged }
    let steps = lines.compactMap(PlannedStep.init(json:))
    guard steps.count == lines.count else { throw damaged }
    self.init(
      id: PlanID(id), run: RunID(run), incident: json["incident"]?.string.map { IncidentID($0) },
      created: created, playbook: PlaybookID(playbook),
      pins: Dictionary(uniqueKeysWithValues: pins.map { (PlaybookID($0.key), $0.value.string ?? "") }),
      inputs: inputs.mapValues(Value.init(json:)), locks: locks.compactMap(\.string),
      targets: (json["targets"]?.object ?? [:]).compactMapValues(\.string), steps: steps)
    guard json["digest"]?.string == digest.rawValue else { throw damaged }
  }

  /// Saves it in the journal with a `plan.saved` event. Safe to repeat.
  ///
  /// - Parameter unlisted: repositories that the incident was reported in and staunch.yaml does not have; nil: nobody looked.
  public func save(in journal: Journal, unlisted: [String]? = nil) throws(ExecutionError) {
    var repositories: [JSONValue] = []
    if case .list(let values)? = inputs["repositories"] {
      for case .repository(let name) in values { repositories.append(.string(name.rawValue)) }
    }
    var members: [String: JSONValue] = [
      "plan": .string(id.rawValue), "digest": .string(digest.rawValue),
      "playbook": .string(playbook.rawValue),
      "playbook_sha256": .string(pins[playbook] ?? ""), "run": .string(run.rawValue),
      "secrets": .array(inputs.values.flatMap(\.secrets).sorted().map { .string($0.rawValue) }),
      "repositories": .array(repositories),
    ]
    members["unlisted"] = unlisted.map { .array($0.map(JSONValue.string)) }
    let event = NewEvent(.planSaved, run: nil, incident: incident, .object(members))
    do {
      try journal.save(
        SavedPlan(id: id, digest: digest, incident: incident, created: created, document: json), with: [event]
      )
    } catch { throw ExecutionError(error) }
  }

  /// The saved plan with this id or digest.
  public static func find(_ name: String, in journal: Journal) throws(ExecutionError) -> Plan {
    do { return try Plan(json: journal.plan(name).document) } catch let error as JournalError {
      throw ExecutionError(error)
    } catch let error as ExecutionError { throw error } catch {
      throw ExecutionError(.plan, "read the plan", because: plainReason(of: error))
    }
  }

  /// - Throws: `.plan` when `playbook` (or something it includes) is not the one that was planned.
  public func check(_ playbook: Playbook) throws(ExecutionError) {
    for pin in playbook.pins where pins[pin.id] != pin.sha256 {
      throw ExecutionError(
        .plan, "run the plan \(id)",
        because: "\(pin.file) changed since it was planned (sha256 \(pin.sha256.prefix(12)))",
        fix:
          "put it back as it was, or plan again: staunch plan \(incident?.rawValue ?? playbook.id.rawValue)")
    }
  }
}
