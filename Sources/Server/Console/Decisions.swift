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
  /// What a manual step asks for, by name.
  var answers: [String: String] = [:]
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
    case .answer: try await answer(&decision, fields, incident, visitor)
    case .retry, .abort, .resume: try await runWord(&decision, fields, incident, visitor)
    case .close:
      try needText(decision, "A reason is needed: it stands in the post-mortem.")
      guard let incident, let id = incidentID, DecisionRequest.isClosable(incident) else {
        throw DecisionRefusal(
          409, "Not closed.",
          because: "The incident is not contained, or its copies have to be looked at first.")
      }
      decision.approval = try await sign(
        .close(incident: id, reason: decision.text ?? ""), fields, visitor)
    case .assign: try assign(decision)
    case .note: try needText(decision, "The note is empty.")
    case .acknowledge:
      guard fields.incident == nil else { break }
      decision.approval = try await release(decision, fields, visitor)
    }
    return try await inbox.append(decision)
  }

  /// What a manual step asks for: each of its fields, signed.
  private func answer(
    _ decision: inout NewDecision, _ fields: DecisionFields, _ incident: JSONValue?, _ visitor: Visitor
  ) async throws {
    guard let incident, let label = fields.step, let digest = incident["plan"]?["digest"]?.string,
      let asked = DecisionRequest.asked(label, of: incident)
    else {
      throw DecisionRefusal(
        409, "Not stored.", because: "That step does not wait for an answer (any more).")
    }
    var given: [String: String] = [:]
    for name in asked {
      let text = fields.answers[name]?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
      guard !text.isEmpty else {
        throw DecisionRefusal(422, "Not stored.", because: "The step also asks for \(name).")
      }
      guard text.unicodeScalars.count <= 4000 else {
        throw DecisionRefusal(422, "Not stored.", because: "\(name) is longer than 4000 characters.")
      }
      given[name] = text
    }
    guard fields.answers.keys.allSatisfy({ asked.contains($0) }) else {
      throw DecisionRefusal(422, "Not stored.", because: "The step does not ask for one of these.")
    }
    decision.fields = given
    decision.approval = try await sign(
      .answer(PlanDigest(digest), step: StepID(String(label.prefix { $0 != "[" })), fields: given), fields,
      visitor)
  }

  /// About a run as a whole, or a step of it of which nobody can tell whether it happened.
  private func runWord(
    _ decision: inout NewDecision, _ fields: DecisionFields, _ incident: JSONValue?, _ visitor: Visitor
  ) async throws {
    guard let incident, decision.run != nil, let digest = incident["plan"]?["digest"]?.string,
      DecisionRequest.isOpenRun(incident)
    else {
      throw DecisionRefusal(409, "Not stored.", because: "There is no run that goes on (any more).")
    }
    guard decision.kind != .resume else { return }
    try needText(decision, "A reason is needed: it stands in the post-mortem.")
    let reason = decision.text ?? ""
    guard decision.kind == .retry else {
      decision.approval = try await sign(.abort(PlanDigest(digest), reason: reason), fields, visitor)
      return
    }
    guard let label = fields.step, DecisionRequest.undecided(incident).contains(label) else {
      throw DecisionRefusal(
        409, "Not stored.", because: "That step does not ask whether it is to be done again (any more).")
    }
    decision.approval = try await sign(
      .retry(PlanDigest(digest), step: StepID(String(label.prefix { $0 != "[" })), reason: reason), fields,
      visitor)
  }

  /// To somebody who may sign in here, or to nobody.
  private func assign(_ decision: NewDecision) throws {
    guard decision.incident != nil else {
      throw DecisionRefusal(422, "Not stored.", because: "An incident is needed.")
    }
    guard let name = decision.text else { return }
    guard try people().people.contains(where: { $0.name == name }) else {
      throw DecisionRefusal(409, "Not stored.", because: "Nobody of that name may sign in here.")
    }
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
    try sign(decision, try await signer(fields, visitor))
  }

  private func sign(_ decision: SignedDecision, _ signer: (identity: LocalIdentity, role: String)) throws
    -> NewDecision.Signature
  {
    let approval = try decision.signed(by: signer.identity, role: RoleName(signer.role), at: now())
    return NewDecision.Signature(
      identity: approval.identity, role: signer.role, at: approval.at, signature: approval.signature)
  }

  /// The person's key, by their password, and the role in which they sign.
  private func signer(_ fields: DecisionFields, _ visitor: Visitor) async throws -> (
    identity: LocalIdentity, role: String
  ) {
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
    case .identity(let identity, _): return (identity, role)
    }
  }

  // MARK: Several at once

  /// What became of a word about several incidents.
  struct Several: Sendable {
    var stored = 0
    /// Incidents to which it does not apply (any more), and why.
    var refused: [(incident: String, because: String)] = []
  }

  /// What can be said of several incidents at once.
  static let kindsOfSeveral: Set<NewDecision.Kind> = [.approve, .decline, .acknowledge, .assign]

  /// Stores one decision for each incident. A yes is signed for each plan by itself, with one password; instead of a name the
  /// person types how many there are.
  func store(_ fields: DecisionFields, about incidents: [String], by visitor: Visitor) async throws -> Several
  {
    guard let kind = NewDecision.Kind(rawValue: fields.kind), Self.kindsOfSeveral.contains(kind) else {
      throw DecisionRefusal(422, "Not stored.", because: "That cannot be said of several at once.")
    }
    guard !incidents.isEmpty else {
      throw DecisionRefusal(422, "Not stored.", because: "No incident was picked.")
    }
    guard kind == .approve else {
      var several = Several()
      for id in incidents { await note(&several, id) { try await store(one(fields, id), by: visitor) } }
      return several
    }
    try confirm(fields.confirm, "\(incidents.count)")
    let signer = try await signer(fields, visitor)
    var several = Several()
    for id in incidents {
      await note(&several, id) {
        let incident = try inbox.document(kind: "incident", id: id)?.document
        let plan = try incident?["plan"]?["id"]?.string.flatMap {
          try inbox.document(kind: "plan", id: $0)?.document
        }
        guard let open = DecisionRequest.approvals(incident: incident, plan: plan).first, open.step == nil
        else {
          throw DecisionRefusal(409, "Not stored.", because: "no plan of it waits for a yes")
        }
        return try await inbox.append(
          NewDecision(
            at: now(), person: visitor.person, roles: visitor.roles, kind: .approve, incident: id,
            run: incident?["run"]?["id"]?.string, plan: open.plan, digest: open.digest,
            approval: try sign(.approve(PlanDigest(open.digest), step: nil), signer), via: visitor.via))
      }
    }
    return several
  }

  /// A decline is of the plan that waits now.
  private func one(_ fields: DecisionFields, _ id: String) throws -> DecisionFields {
    var fields = fields
    fields.incident = id
    guard fields.kind == NewDecision.Kind.decline.rawValue else { return fields }
    let plan = try inbox.document(kind: "incident", id: id)?.document["plan"]
    fields.plan = plan?["id"]?.string
    fields.digest = plan?["digest"]?.string
    return fields
  }

  private func note(_ several: inout Several, _ id: String, _ store: () async throws -> Int) async {
    do {
      _ = try await store()
      several.stored += 1
    } catch {
      let refusal = error as? DecisionRefusal
      several.refused.append((id, refusal?.failure.because ?? "the exchange file did not take it"))
    }
  }
}

extension NewDecision {
  /// In words, for the people who read the page.
  var words: String {
    let object = step.map { "step \($0)" } ?? "the plan"
    let somebody = text ?? "nobody"
    return switch kind {
    case .approve: "\(person) approved \(object)"
    case .decline: "\(person) declined \(object)"
    case .skip: "\(person) skipped \(object)"
    case .note: "\(person) wrote a note"
    case .answer: "\(person) answered \(object)"
    case .resume: "\(person) wants the run to go on"
    case .retry: "\(person) wants \(object) to be done again"
    case .abort: "\(person) wants the run to be taken back"
    case .close: "\(person) closed the incident"
    case .assign: "\(person) gave it to \(somebody)"
    case .acknowledge: incident == nil ? "\(person) released the storm" : "\(person) has seen it"
    }
  }
}
