import Capabilities
import ConsolePages
import Foundation
import Inbox
import Incidents
import JSON
import People
import Secrets

/// What a person sent: from a form or from the API.
struct DecisionFields: Sendable {
  var kind: String
  var incident: String?
  var plan: String?
  var digest: String?
  var step: String?
  var role: String?
  var confirm: String?
  var text: String?
  var password: Secret?
}

/// Why a decision was not stored.
struct DecisionRefusal: Error, Sendable {
  let status: Int
  let failure: Failure
  init(_ status: Int, _ what: String, because: String, fix: String? = nil) {
    self.status = status
    failure = Failure(what, because: because, fix: fix)
  }
}

/// Takes in what people decide. It checks everything that can be checked here; what counts is checked again by the worker.
struct Decisions: Sendable {
  let inbox: Inbox
  let doorman: Doorman
  let signInLog: SignInLog
  let people: @Sendable () throws -> PeopleDirectory
  let now: @Sendable () -> Date
  private let pace = PersonPace()

  init(
    inbox: Inbox, doorman: Doorman, signInLog: SignInLog,
    people: @escaping @Sendable () throws -> PeopleDirectory, now: @escaping @Sendable () -> Date
  ) {
    self.signInLog = signInLog
    self.inbox = inbox
    self.doorman = doorman
    self.people = people
    self.now = now
  }

  /// Stores the decision durably. - Returns: its number.
  func store(_ fields: DecisionFields, by visitor: Visitor) async throws -> Int {
    guard let kind = NewDecision.Kind(rawValue: fields.kind) else {
      throw DecisionRefusal(422, "Not stored.", because: "There is no such kind of decision.")
    }
    guard pace.takes(visitor.person, at: now()) else {
      throw DecisionRefusal(429, "Not stored.", because: "So many decisions at once. Wait a minute.")
    }
    let text = fields.text?.trimmingCharacters(in: .whitespacesAndNewlines)
    guard (text ?? "").unicodeScalars.count <= 4000 else {
      throw DecisionRefusal(422, "Not stored.", because: "The text is longer than 4000 characters.")
    }
    let plan = try fields.plan.flatMap { try inbox.document(kind: "plan", id: $0)?.document }
    let incidentID = fields.incident ?? plan?["incident"]?.string
    let incident = try incidentID.flatMap { try inbox.document(kind: "incident", id: $0)?.document }
    if fields.incident != nil, incident == nil {
      throw DecisionRefusal(404, "Not stored.", because: "There is no such incident.")
    }
    var decision = NewDecision(
      at: now(), person: visitor.person, roles: visitor.roles, kind: kind, incident: incidentID,
      run: incident?["run"]?["id"]?.string, plan: fields.plan, digest: fields.digest, step: fields.step,
      text: text.flatMap { $0.isEmpty ? nil : $0 }, via: visitor.via)
    switch kind {
    case .approve:
      let request = try approval(fields, incident: incident, plan: plan)
      if let word = request.confirmation { try confirm(fields.confirm, word) }
      decision.approval = try await sign(
        .approve(PlanDigest(request.digest), step: request.step.map { StepID($0) }), fields, visitor)
    case .decline:
      _ = try approval(fields, incident: incident, plan: plan)
      try needText(decision, "A reason is needed.")
    case .skip:
      try needText(decision, "A reason is needed: it stands in the post-mortem.")
      guard let incident, let step = fields.step, DecisionRequest.skippable(incident).contains(step) else {
        throw DecisionRefusal(
          409, "Not skipped.", because: "That step is done, under way or unknown by now.",
          fix: "Look at the checklist.")
      }
      guard let digest = fields.digest, digest == incident["plan"]?["digest"]?.string else {
        throw DecisionRefusal(
          409, "Not skipped.", because: "The plan is another one by now.", fix: "Read it again.")
      }
      try confirm(fields.confirm, step)
      decision.approval = try await sign(
        .skip(PlanDigest(digest), step: StepID(step), reason: decision.text ?? ""), fields, visitor)
    case .answer:
      try needText(decision, "An answer is needed.")
      guard let incident, let step = fields.step, DecisionRequest.answerable(incident).contains(step) else {
        throw DecisionRefusal(
          409, "Not stored.", because: "That step does not wait for an answer (any more).")
      }
    case .note: try needText(decision, "The note is empty.")
    case .acknowledge:
      guard fields.incident == nil else { break }
      decision.approval = try await release(decision, fields, visitor)
    }
    return try await inbox.append(decision)
  }

  /// A yes to many starts at once: signed for the storm that is held now, and for this reason.
  private func release(_ decision: NewDecision, _ fields: DecisionFields, _ visitor: Visitor) async throws
    -> NewDecision.Signature
  {
    guard let storm = try inbox.document(kind: "storm", id: "current")?.document["id"]?.string else {
      throw DecisionRefusal(409, "Nothing was released.", because: "No storm is held (any more).")
    }
    try needText(decision, "A reason is needed: it stands in the journal.")
    return try await sign(.releaseStorm(storm: storm, reason: decision.text ?? ""), fields, visitor)
  }

  /// The open question that the fields answer: exactly this digest and step.
  private func approval(_ fields: DecisionFields, incident: JSONValue?, plan: JSONValue?) throws
    -> DecisionRequest
  {
    let open = DecisionRequest.approvals(incident: incident, plan: plan)
    guard let request = open.first(where: { $0.digest == fields.digest && $0.step == fields.step }) else {
      throw DecisionRefusal(
        409, "Not stored.",
        because: "Nothing waits for that approval (any more): the plan may be another one by now.",
        fix: "Read the plan again.")
    }
    return request
  }

  private func confirm(_ typed: String?, _ word: String) throws {
    guard typed?.trimmingCharacters(in: .whitespaces) == word else {
      throw DecisionRefusal(
        422, "Nothing was signed.", because: "The name that you typed is not \(word).",
        fix: "Type it exactly.")
    }
  }

  private func needText(_ decision: NewDecision, _ because: String) throws {
    guard decision.text != nil else { throw DecisionRefusal(422, "Not stored.", because: because) }
  }

  /// Opens the person's key for one signature.
  private func sign(_ decision: SignedDecision, _ fields: DecisionFields, _ visitor: Visitor) async throws
    -> NewDecision.Signature
  {
    guard visitor.mayApprove else {
      throw DecisionRefusal(
        403, "Nothing was signed.", because: "You came through the proxy, which may not approve here.",
        fix: "Sign in with your own password.")
    }
    guard let role = fields.role ?? (visitor.roles.count == 1 ? visitor.roles[0] : nil),
      visitor.roles.contains(role)
    else {
      throw DecisionRefusal(403, "Nothing was signed.", because: "That is none of your roles.")
    }
    let answer = await doorman.check(
      name: visitor.person, password: fields.password ?? Secret(""), people: try people(),
      client: visitor.client, isSignedIn: true, now: now())
    // Whoever signs is signed in already: only what fails is news.
    if answer.outcome != .done {
      signInLog.note(answer.outcome, client: visitor.address, way: "signature", request: "")
    }
    switch answer {
    case .wrong: throw DecisionRefusal(403, "Nothing was signed.", because: "The password is wrong.")
    case .tooMany:
      throw DecisionRefusal(429, "Nothing was signed.", because: "Too many tries. Wait a minute.")
    case .busy:
      throw DecisionRefusal(503, "Nothing was signed.", because: "Too many sign-ins at once. Try again.")
    case .identity(let identity, _):
      let approval = try decision.signed(by: identity, role: RoleName(role), at: now())
      return NewDecision.Signature(
        identity: approval.identity, role: role, at: approval.at, signature: approval.signature)
    }
  }
}

extension NewDecision {
  /// In words, for the people who read the page.
  var words: String {
    let object = step.map { "step \($0)" } ?? "the plan"
    return switch kind {
    case .approve: "\(person) approved \(object)"
    case .decline: "\(person) declined \(object)"
    case .skip: "\(person) skipped \(object)"
    case .note: "\(person) wrote a note"
    case .answer: "\(person) answered \(object)"
    case .acknowledge: incident == nil ? "\(person) released the storm" : "\(person) has seen it"
    }
  }
}
