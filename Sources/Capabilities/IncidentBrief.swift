public import Incidents

/// What a message may say about an incident: no secret, no person's name, no permalink.
public struct IncidentBrief: Sendable, Hashable {
  /// A neutral name, fit for a public title.
  public let codename: String
  public let severity: Severity
  /// Every leaked value was proven dead by a playbook's proof.
  public let isContained: Bool
  /// A provider was asked about a leaked value. False where none can be: then only a person knows.
  public let wasProbed: Bool
  /// Where the run stands and what was proven, as Markdown.
  public let state: String

  public init(codename: String, severity: Severity, isContained: Bool, wasProbed: Bool = false, state: String)
  {
    self.codename = codename
    self.severity = severity
    self.isContained = isContained
    self.wasProbed = wasProbed
    self.state = state
  }
}

/// Tells what is known about an incident. Derived from the journal.
public protocol IncidentBriefing: Sendable {
  func brief(of incident: IncidentID, run: RunID) async throws(CapabilityError) -> IncidentBrief
}

/// Writes the post-mortem draft of an incident from the journal.
public protocol PostMortemWriter: Sendable {
  /// Writes (or writes anew) the draft. - Returns: the file's path.
  func draft(_ incident: IncidentID, run: RunID, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
}
