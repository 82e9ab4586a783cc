import Foundation
import Incidents
public import JSON

extension IncidentStatus {
  /// What `staunch status --json` prints: stable, documented in docs/JSON.md.
  public static func document(_ incidents: [IncidentStatus]) -> JSONValue {
    ["schema": 1, "incidents": .array(incidents.map(\.json))]
  }

  /// One incident of ``document(_:)``. Durations are milliseconds, instants RFC 3339 in UTC, absent values `null`.
  public var json: JSONValue {
    [
      "id": .string(id.rawValue),
      "codename": .string(codename),
      "kind": .string(kind.rawValue),
      "severity": .string(severity.rawValue),
      "state": .string(state.rawValue),
      "drill": .boolean(isDrill),
      "detected": .string(Timestamp.text(detected)),
      "since_detection_ms": .integer(sinceDetection.wholeMilliseconds),
      "credentials": .array(credentials.map(\.json)),
      "contained": .boolean(isContained), "unproven_values": .integer(unproven),
      "run": run.map {
        ["id": .string($0.id.rawValue), "mode": .string($0.mode), "state": .string($0.state.rawValue)]
      }
        ?? .null,
      "plan": plan.map(\.json) ?? .null,
      "step": currentStep.map { .string($0.label) } ?? .null,
      "steps": .array(steps.map { $0.json(at: now) }),
      "waiting": .array(waiting.map(\.json)),
      "next": ["text": .string(next.text), "command": next.command.map { .string($0) } ?? .null],
      "undelivered": .integer(undelivered.count),
      "undelivered_messages": .array(undelivered.map(\.json)),
      "forge": .array(published.map(\.json)),
      "still_old": .array(stillOld.map { .string($0) }),
      "copies": .array(copies.copies.map(\.json)), "further_copies": .integer(copies.further),
      "said": .array(said.map { ["at": .string(Timestamp.text($0.at)), "text": .string($0.text)] }),
    ]
  }
}

extension PublishedHistory {
  fileprivate var json: JSONValue {
    [
      "repository": .string(repository.rawValue), "clean": .boolean(isClean),
      "cleaned": cleaned.map { .string(Timestamp.text($0)) } ?? .null,
      "why": isClean ? .null : .string(why), "address": address.map { .string($0) } ?? .null,
      "residual": .array(residual.map { .string($0) }),
    ]
  }
}

extension KeptCopies.Copy {
  fileprivate var json: JSONValue {
    [
      "path": .string(path), "line": line.map { .integer($0) } ?? .null, "kind": .string(kind),
      "resource": resource.map { .string($0) } ?? .null, "trap": trap.map { .string($0) } ?? .null,
      "found": .string(Timestamp.text(found)),
    ]
  }
}

extension IncidentStatus.Credential {
  fileprivate var json: JSONValue {
    [
      "id": .string(name.rawValue), "subject": .string(subject.rawValue), "state": .string(state.rawValue),
      "probed": probed.map { .string(Timestamp.text($0)) } ?? .null,
      "code": code.map { .string($0) } ?? .null, "value": value.map { .integer($0) } ?? .null,
      "proven": proven.map { .string(Timestamp.text($0)) } ?? .null,
    ]
  }
}

extension IncidentStatus.Plan {
  fileprivate var json: JSONValue {
    [
      "id": .string(id.rawValue), "digest": .string(digest),
      "playbook": playbook.map { .string($0.rawValue) } ?? .null, "approved": .boolean(isApproved),
    ]
  }
}

extension IncidentStatus.Waiting {
  fileprivate var json: JSONValue {
    [
      "step": .string(step), "for": .string(what), "since": .string(Timestamp.text(since)),
      "until": until.map { .string(Timestamp.text($0)) } ?? .null,
      "prompt": prompt.map { .string($0) } ?? .null,
    ]
  }
}

extension IncidentStatus.Message {
  fileprivate var json: JSONValue {
    [
      "id": .string(id), "tracker": .string(tracker.rawValue), "state": .string(state),
      "event": event.map { .string($0) } ?? .null,
    ]
  }
}

extension StepRecord {
  fileprivate func json(at now: Date) -> JSONValue {
    [
      "step": .string(step.rawValue), "item": item.map { .integer($0) } ?? .null,
      "action": action.map { .string($0) } ?? .null, "state": .string(state.rawValue),
      "began": began.map { .string(Timestamp.text($0)) } ?? .null,
      "duration_ms": elapsed(at: now).map { .integer($0.wholeMilliseconds) } ?? .null,
      "reason": reason.map { .string($0) } ?? .null,
    ]
  }
}

extension Duration {
  /// Whole milliseconds, rounded towards zero.
  var wholeMilliseconds: Int {
    let parts = components
    return Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000)
  }
}
