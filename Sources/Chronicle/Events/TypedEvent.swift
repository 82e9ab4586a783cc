public import Incidents
public import JSON

/// An event's kind with its details under their types. A reader names members through it, so that a renamed one does not
/// compile; journals of every version are read.
public enum TypedEvent: Sendable, Hashable {
  case incidentOpened(IncidentReport)
  case incidentUpdated(IncidentReport)
  case incidentState(IncidentStateChange)
  case planSaved(PlanSaved)
  case planApproved(PlanApproved)
  case planDeclined(PlanDeclined)
  case runStarted(RunStarted)
  case runResumed(RunResumed)
  case runEnded(RunEnded)
  case lockTaken(LockChange)
  case lockReleased(LockChange)
  case stepIntent(StepIntent)
  case stepOutcome(StepOutcome)
  case stepFailed(StepFailed)
  case stepSettled(StepSettled)
  case stepVerified(StepVerified)
  case stepWaiting(StepWaiting)
  case stepSkipped(StepSkipped)
  case stepDone(StepDone)
  case stepManual(StepManual)
  case stepUndone(StepUndone)
  case credentialProbed(CredentialProbed)
  case driftFound(DriftFound)
  case secretSealed(SecretSealed)
  case keyDestroyed(KeyDestroyed)
  case message(MessageMoved)
  case noted(PersonsWord)
  case todo(PersonsWord)
  case decision(DecisionMade)
}

extension JournalEvent {
  /// The event in types. Nothing is read before it is asked for.
  public var typed: TypedEvent { TypedEvent(kind, body) }
}

extension TypedEvent {
  /// - Parameter body: as the journal keeps it.
  public init(_ kind: EventKind, _ body: JSONValue) {
    self =
      switch kind {
      case .incidentOpened: .incidentOpened(IncidentReport(body))
      case .incidentUpdated: .incidentUpdated(IncidentReport(body))
      case .incidentState: .incidentState(IncidentStateChange(body))
      case .planSaved: .planSaved(PlanSaved(body))
      case .planApproved: .planApproved(PlanApproved(body))
      case .planDeclined: .planDeclined(PlanDeclined(body))
      case .runStarted: .runStarted(RunStarted(body))
      case .runResumed: .runResumed(RunResumed(body))
      case .runEnded: .runEnded(RunEnded(body))
      case .lockTaken: .lockTaken(LockChange(body))
      case .lockReleased: .lockReleased(LockChange(body))
      case .stepIntent: .stepIntent(StepIntent(body))
      case .stepOutcome: .stepOutcome(StepOutcome(body))
      case .stepFailed: .stepFailed(StepFailed(body))
      case .stepSettled: .stepSettled(StepSettled(body))
      case .stepVerified: .stepVerified(StepVerified(body))
      case .stepWaiting: .stepWaiting(StepWaiting(body))
      case .stepSkipped: .stepSkipped(StepSkipped(body))
      case .stepDone: .stepDone(StepDone(body))
      case .stepManual: .stepManual(StepManual(body))
      case .stepUndone: .stepUndone(StepUndone(body))
      case .credentialProbed: .credentialProbed(CredentialProbed(body))
      case .driftFound: .driftFound(DriftFound(body))
      case .secretSealed: .secretSealed(SecretSealed(body))
      case .keyDestroyed: .keyDestroyed(KeyDestroyed(body))
      case .message: .message(MessageMoved(body))
      case .noted: .noted(PersonsWord(body))
      case .todo: .todo(PersonsWord(body))
      case .decision: .decision(DecisionMade(body))
      }
  }
}

extension TypedEvent {
  /// The details as the journal keeps them.
  public var body: JSONValue {
    switch self {
    case .incidentOpened(let details), .incidentUpdated(let details): details.body
    case .incidentState(let details): details.body
    case .planSaved(let details): details.body
    case .planApproved(let details): details.body
    case .planDeclined(let details): details.body
    case .runStarted(let details): details.body
    case .runResumed(let details): details.body
    case .runEnded(let details): details.body
    case .lockTaken(let details), .lockReleased(let details): details.body
    case .stepIntent(let details): details.body
    case .stepOutcome(let details): details.body
    case .stepFailed(let details): details.body
    case .stepSettled(let details): details.body
    case .stepVerified(let details): details.body
    case .stepWaiting(let details): details.body
    case .stepSkipped(let details): details.body
    case .stepDone(let details): details.body
    case .stepManual(let details): details.body
    case .stepUndone(let details): details.body
    case .credentialProbed(let details): details.body
    case .driftFound(let details): details.body
    case .secretSealed(let details): details.body
    case .keyDestroyed(let details): details.body
    case .message(let details): details.body
    case .noted(let details), .todo(let details): details.body
    case .decision(let details): details.body
    }
  }
}

extension TypedEvent {
  /// The step that it is about, or that a decision answers; nil: none.
  public var step: StepID? { body["step"]?.string.map { StepID($0) } }
  /// Of a `for_each`, from 0.
  public var item: Int? { body["item"]?.integer }

  /// One line for a debug log: what happened, to which step, and how.
  public func logLine(_ kind: EventKind) -> String {
    let at = item.map { "[\($0)]" } ?? ""
    var words = [kind.rawValue, step.map { $0.rawValue + at }].compactMap { $0 }
    for name in ["action", "phase", "settlement", "result", "for", "state", "mode"] {
      if let word = body[name]?.string { words.append(word) }
    }
    if let attempt = body["attempt"]?.integer { words.append("attempt \(attempt)") }
    for reason in [body["error"]?["operation"], body["error"]?["message"], body["reason"]] {
      if let text = reason?.string { words.append(": \(text)") }
    }
    return words.joined(separator: " ").replacing(" : ", with: ": ")
  }
}
