public import Foundation
public import JSON

/// One thing that happened, as the journal keeps it. Everything people read is derived from these.
public struct JournalEvent: Sendable, Hashable {
  /// Position in the journal, from 1, without gaps.
  public let sequence: Int
  public let at: Date
  /// Nil for events that precede every run (a finding that arrives).
  public let run: RunID?
  public let incident: IncidentID?
  public let kind: EventKind
  /// The details; each case of ``EventKind`` documents its members. Never holds a secret.
  public let body: JSONValue
  /// SHA-256 (hex) over the previous event's hash and this event's canonical JSON.
  public let hash: String

  public init(
    sequence: Int, at: Date, run: RunID?, incident: IncidentID?, kind: EventKind, body: JSONValue,
    hash: String
  ) {
    self.sequence = sequence
    self.at = at
    self.run = run
    self.incident = incident
    self.kind = kind
    self.body = body
    self.hash = hash
  }
}

/// The vocabulary of the journal. Raw values are stable: they are in people's exports.
///
/// Members in every step event: `step`, and in a `for_each` also `item` (from 0); `attempt` from 1.
public enum EventKind: String, Sendable, Codable, CaseIterable {
  /// `kind, fingerprint, handle?, severity, codename, source, validity, detected` (RFC 3339), `locations`,
  /// `values?` (of each value that it brought: `ref, fingerprint`), `delivery?` (what brought it: `route, id, received`),
  /// `report?` (the same for a report that a person handed in: a name)
  case incidentOpened = "incident.opened"
  /// What changed: the same members as `incident.opened`, or `merged` (ids), `occurrences`,
  /// `said` {source, text, delivery}: a platform's word about its alert,
  /// `seen` {source, validity, places, repositories, unnamed}: a report of what is known already, once for each report;
  /// `reported_active?` (handles): known values of which the report says that they work
  case incidentUpdated = "incident.updated"
  /// `state` (open, contained, closed), `reason`. Contained is written with the proof that completes it, by the engine alone
  case incidentState = "incident.state"
  /// `plan, digest, playbook, playbook_sha256, run, secrets` (the handles of its inputs), `repositories`,
  /// `unlisted?` (reported repositories that staunch.yaml does not have)
  case planSaved = "plan.saved"
  /// `plan, digest, role, identity` (public key fingerprint), `signature, step?, actions?` (a policy's bound), `via?`
  case planApproved = "plan.approved"
  /// `digest, role, reason, step?`
  case planDeclined = "plan.declined"
  /// `mode` (drill, live), `plan, digest, playbook, tool_version, drill`
  case runStarted = "run.started"
  /// `reason`, `owner`; a crash was resumed or another operator took over
  case runResumed = "run.resumed"
  /// `state` (done, failed, waiting, aborted), `reason?`
  case runEnded = "run.ended"
  /// `locks, owner, reason?`
  case lockTaken = "lock.taken"
  case lockReleased = "lock.released"
  /// `step, item?, attempt, action, phase, input_digest, marker, compensation?, snapshot`
  case stepIntent = "step.intent"
  /// `step, item?, attempt, action, phase, outputs`; for a read there is no intent before it. `values?` (handles): what
  /// `staunch history verify` looked for
  case stepOutcome = "step.outcome"
  /// `step, item?, attempt, error {class, operation, message, fix, request_id?}`
  case stepFailed = "step.failed"
  /// `step, item?, attempt, settlement` (done, not_done, unknown), `evidence`: an intent without outcome was settled
  case stepSettled = "step.settled"
  /// `step, item?, action, expect, result`: the step's `verify` (or `expect`) held; `proof?` {credential, values (handles),
  /// refusals (in a row)} where it proves leaked values dead
  case stepVerified = "step.verified"
  /// `step, item?, for` (approval, manual, retry, poll, lock, containment), `until?, prompt?`
  case stepWaiting = "step.waiting"
  /// `step, item?, reason, by` (condition, operator), `condition?` (the expression)
  case stepSkipped = "step.skipped"
  /// `step, item?`: every phase and its verification are done
  case stepDone = "step.done"
  /// `step, item?, collected`: a person did a manual step
  case stepManual = "step.manual"
  /// `step, item?, compensation, result` (undone, impossible), `reason?`
  case stepUndone = "step.undone"
  /// `credential, ref` (which secret), `subject` (leaked, replacement), `state` (alive, dead, unknown), `code`
  case credentialProbed = "credential.probed"
  /// `step, what, expected, found`: the world changed since the plan
  case driftFound = "drift.found"
  /// `key` (name of the secret handle), `purpose`: a value was sealed; the value is elsewhere
  case secretSealed = "secret.sealed"
  /// `key_id`: a run's sealing key was destroyed
  case keyDestroyed = "key.destroyed"
  /// `tracker, message_id, sequence, state` (queued, sent, unknown, dead), `remote?, attempt, event`
  case message = "message"
  /// `text, role`: a person's word, tagged `entered`
  case noted = "note"
  /// `text, role, owner_role?`: something to do later
  case todo = "todo"
  /// `what, reason, role`: a decision of a person (skip, take over, abort)
  case decision = "decision"
}
