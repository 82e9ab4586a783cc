import Foundation
public import JSON

extension ConsolePages {
  private struct PlanPageModel: Sendable {
    let content: PlanModel
    let forms: DecisionForms
    let incidentLink: IncidentModel.Link?
    let notice: NoticeModel
  }

  /// One plan with its forms.
  public func plan(
    _ document: JSONValue, incident: JSONValue?, in frame: Frame, viewer: Viewer, failure: Failure? = nil,
    said: (what: String, outcome: String)? = nil
  ) -> String {
    let current = incident?["plan"]
    let isApproved =
      current?["id"]?.string == document["id"]?.string && current?["approved"]?.boolean ?? false
    let obstacle = current?["id"]?.string == document["id"]?.string ? current?["obstacle"]?.string : nil
    let content = PlanModel(document, isApproved: isApproved, obstacle: obstacle, now: frame.now)
    let head = incident.map { IncidentHead($0, now: frame.now) }
    let model = PlanPageModel(
      content: content,
      forms: DecisionForms(
        incident: incident, plan: document, action: content.planPath + "/decisions", viewer: viewer, kept: nil
      ),
      incidentLink: head.map { IncidentModel.Link(href: $0.path, label: $0.codename) },
      notice: NoticeModel(failure: failure, said: said))
    return render("plan", model, title: "Plan \(content.planID)", in: frame)
  }

  private struct OutboxModel: Sendable {
    struct Message: Sendable {
      let messageID: String
      let messageState: StateMark
      let tracker: String
      let event: String
      let incident: String
      let incidentPath: String
      let attempts: Int
      let nextTry: Moment?
      let remote: String?
      let messageReason: String?
    }
    let tally: String
    let hasMessages: Bool
    let messages: [Message]
    let pageText: String
    let previousPage: String?
    let nextPage: String?
  }

  /// A page of the outbox: those that did not arrive first.
  public struct OutboxListing: Sendable {
    /// As `ticket list --json` gives them.
    public var messages: [JSONValue]
    public var undelivered: Int
    public var arrived: Int
    public var dropped: Int
    /// From 1.
    public var page: Int
    public var pageSize: Int
    public init(
      messages: [JSONValue], undelivered: Int, arrived: Int, dropped: Int = 0, page: Int = 1,
      pageSize: Int = 100
    ) {
      self.messages = messages
      self.undelivered = undelivered
      self.arrived = arrived
      self.dropped = dropped
      self.page = page
      self.pageSize = pageSize
    }
  }

  /// Messages on their way; those that did not arrive first.
  public func outbox(_ listing: OutboxListing, in frame: Frame) -> String {
    let messages = listing.messages.map { message in
      let state = message["state"]?.string ?? "unknown"
      let incident = message["incident"]?.string ?? ""
      return OutboxModel.Message(
        messageID: message["id"]?.string ?? "", messageState: StateMark.message(state),
        tracker: message["tracker"]?.string ?? "", event: message["event"]?.string ?? "",
        incident: incident, incidentPath: "/incidents/" + ConsoleText.pathSegment(incident),
        attempts: message["attempts"]?.integer ?? 0,
        nextTry: ["sent", "dead", "dropped"].contains(state)
          ? nil : Moment(message["next"]?.string, now: frame.now),
        remote: message["remote"]?.string, messageReason: message["reason"]?.string)
    }
    let total = listing.undelivered + listing.arrived + listing.dropped
    let first = (listing.page - 1) * listing.pageSize + 1
    return render(
      "outbox",
      OutboxModel(
        tally: "\(ConsoleText.number(listing.undelivered)) undelivered · "
          + "\(ConsoleText.number(listing.arrived)) arrived",
        hasMessages: !messages.isEmpty, messages: messages,
        pageText: messages.isEmpty
          ? ""
          : "\(ConsoleText.number(first))–\(ConsoleText.number(first + messages.count - 1)) of "
            + ConsoleText.number(total),
        previousPage: listing.page > 1 ? "/outbox?page=\(listing.page - 1)" : nil,
        nextPage: listing.page * listing.pageSize < total ? "/outbox?page=\(listing.page + 1)" : nil),
      title: "Outbox", in: frame, refresh: 30)
  }

  private struct PostMortemModel: Sendable {
    let id: String
    let path: String
    let codename: String
    let markdown: String?
    let hasDocument: Bool
  }

  /// The draft of one incident; says how to make one when there is none.
  public func postMortem(_ document: JSONValue?, incident: JSONValue, in frame: Frame) -> String {
    let head = IncidentHead(incident, now: frame.now)
    return render(
      "postmortem",
      PostMortemModel(
        id: head.id, path: head.path, codename: head.codename, markdown: document?["markdown"]?.string,
        hasDocument: document?["html"]?.string != nil),
      title: "Post-mortem of \(head.codename)", in: frame)
  }

  /// Somebody who may sign in.
  public struct Person: Sendable, Hashable {
    public let name: String
    public let roles: [String]
    public let fingerprint: String
    public init(name: String, roles: [String], fingerprint: String) {
      self.name = name
      self.roles = roles
      self.fingerprint = fingerprint
    }
  }

  private struct PeopleModel: Sendable {
    struct Row: Sendable {
      let personName: String
      let personRoles: String
      let fingerprint: String
      let isYou: Bool
    }
    let people: [Row]
  }

  /// Who may sign in here.
  public func people(_ people: [Person], in frame: Frame) -> String {
    let rows = people.map {
      PeopleModel.Row(
        personName: $0.name, personRoles: $0.roles.joined(separator: ", "), fingerprint: $0.fingerprint,
        isYou: $0.name == frame.viewer?.name)
    }
    return render("people", PeopleModel(people: rows), title: "People", in: frame)
  }

  private struct SignInModel: Sendable {
    let notice: String?
    let failure: NoticeModel.Refused?
    let signInToken: String
    let to: String
  }

  /// The sign-in form.
  /// - Parameters:
  ///   - token: of this form.
  ///   - destination: where the person goes afterwards; a path of ours.
  public func signIn(
    token: String, destination: String, failure: Failure? = nil, notice: String? = nil, in frame: Frame
  ) -> String {
    render(
      "sign-in",
      SignInModel(
        notice: notice, failure: NoticeModel(failure: failure).failure, signInToken: token, to: destination),
      title: "Sign in", in: frame)
  }

  private struct MessageModel: Sendable {
    let heading: String
    let messageText: String
  }

  /// A page that only says something: not found, refused, our own fault.
  public func message(_ heading: String, _ text: String, in frame: Frame) -> String {
    render("message", MessageModel(heading: heading, messageText: text), title: heading, in: frame)
  }
}
