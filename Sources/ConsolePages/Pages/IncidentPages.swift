import Foundation
public import JSON

extension ConsolePages {
  /// One incident with its forms.
  ///
  /// - Parameters:
  ///   - document: the board's `incident` document.
  ///   - plan: the `plan` document that it names, when the board has it.
  ///   - said: the decision that was just stored, in words, and what became of it.
  ///   - pending: decisions of this incident that the worker has not applied yet, in words.
  ///   - people: who may sign in: whom it may be given to, and whose a signature is.
  public func incident(
    _ document: JSONValue, plan: JSONValue?, in frame: Frame, viewer: Viewer, failure: Failure? = nil,
    kept: KeptForm? = nil, said: (what: String, outcome: String)? = nil, pending: [String] = [],
    people: [Person] = []
  ) -> String {
    let head = IncidentHead(document, now: frame.now)
    let forms = DecisionForms(
      incident: document, plan: plan, action: head.path + "/decisions", viewer: viewer, kept: kept,
      people: people.map(\.name))
    let names = Dictionary(people.map { ($0.fingerprint, $0.name) }) { first, _ in first }
    let model = IncidentPageModel(
      head: head, content: IncidentModel(document, plan: plan, names: names, now: frame.now),
      plan: plan.map {
        PlanModel(
          $0, isApproved: document["plan"]?["approved"]?.boolean ?? false,
          obstacle: document["plan"]?["obstacle"]?.string, mostSteps: 40, now: frame.now)
      }, forms: forms, failure: failure, said: said, pending: pending)
    let drill = head.isDrill ? "DRILL " : ""
    return render(
      "incident", model, title: "\(drill)\(head.severity) \(head.codename)", in: frame)
  }
}

/// Head, content and forms side by side: a template sees the members of all.
struct IncidentPageModel: Sendable {
  let head: IncidentHead
  let content: IncidentModel
  let forms: DecisionForms
  let plan: PlanModel?
  let primary: IncidentModel.Link?
  let notice: NoticeModel
  let pending: [String]
  let hasPending: Bool

  init(
    head: IncidentHead, content: IncidentModel, plan: PlanModel?, forms: DecisionForms, failure: Failure?,
    said: (what: String, outcome: String)?, pending: [String]
  ) {
    self.head = head
    self.content = content
    self.plan = plan
    self.forms = forms
    self.pending = pending
    hasPending = !pending.isEmpty
    notice = NoticeModel(failure: failure, said: said)
    primary = forms.approvals.first.map {
      IncidentModel.Link(href: "#\($0.formID)", label: "Review and approve \($0.subject)")
    }
  }
}

/// The line above a page's content: what was refused, or what was stored.
struct NoticeModel: Sendable {
  struct Refused: Sendable {
    let failureWhat: String
    let failureBecause: String
    let failureFix: String?
  }
  struct Said: Sendable {
    let saidWhat: String
    let saidOutcome: String
  }
  let failure: Refused?
  let said: Said?

  init(failure: Failure? = nil, said: (what: String, outcome: String)? = nil) {
    self.failure = failure.map {
      Refused(failureWhat: $0.what, failureBecause: $0.because, failureFix: $0.fix)
    }
    self.said = said.map { Said(saidWhat: $0.what, saidOutcome: $0.outcome) }
  }
}
