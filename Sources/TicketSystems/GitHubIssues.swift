public import Capabilities
import Foundation
import Incidents
import JSON
import RESTClient
import Secrets

/// Issues of a GitHub repository.
///
/// GitHub has no confidential issues: the repository's visibility is read before every write, and while it is public a
/// ticket gets a neutral title and text until the incident is contained. The first message about an incident opens its
/// ticket, whatever it says; a later `opened` is a comment. Tickets are found by label and a marker in the
/// body, because the search index lags. Every message carries a marker of its own, in the issue's body or in a comment: a
/// repeated one is not posted twice, and one whose reply was lost counts as sent only when its marker is found. It also
/// carries the journal's head (`GitHubIssues+Heads.swift`).
/// Tested against a simulation on loopback, written from the reference; not against api.github.com.
/// Sources: https://docs.github.com/en/rest/issues/issues, …/issues/comments, …/using-the-rest-api/best-practices-for-using-the-rest-api
public struct GitHubIssues: TicketSystem {
  public static let kind = "github-issues"
  public static let summary = "Issues of a GitHub repository."
  public static let settings = [
    SettingDeclaration("repository", required: true, "owner/name; should be private"),
    SettingDeclaration(
      "token", required: true, secret: true, "a token with issues: write and metadata: read"),
    SettingDeclaration("base_url", "https://api.github.com when absent"),
    SettingDeclaration("label", "staunch when absent; it is made on first use"),
    SettingDeclaration("public", "false when the repository is private; assumed true"),
  ]

  public let isPublic: Bool
  public var canLookUp: Bool { true }
  public var isIdempotent: Bool { true }

  let label: String
  let api: RESTClient
  let repository: String

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    repository = try target.text("repository")
    let parts = repository.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2,
      parts.allSatisfy({ part in
        !part.isEmpty && part != "." && part != ".."
          && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
      })
    else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "repository is not owner/name",
        fix: "write for example repository: acme/incidents")
    }
    label = try target.optionalText("label") ?? "staunch"
    isPublic = target.settings["public"]?.boolean ?? true
    let base = try target.optionalText("base_url") ?? "https://api.github.com"
    api = .gitHub(
      repository: (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/repos/\(repository)",
      token: try target.text("token"), in: environment)
  }

  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let (facts, scopes) = try await api.repository()
      var found = [Readiness("repository \(repository)", .ready("reached with the token"))]
      if facts["has_issues"]?.boolean == false {
        found.append(
          Readiness(
            "issues",
            .missing(
              because: "issues are disabled in \(repository)",
              fix: "enable them in its settings, or name another repository in staunch.yaml")))
      }
      let everyoneReads =
        facts["visibility"]?.string.map { $0 != "private" } ?? (facts["private"]?.boolean != true)
      if everyoneReads, !isPublic {
        found.append(
          Readiness(
            "public",
            .missing(
              because: "staunch.yaml calls \(repository) private, and others can read it",
              fix: "make it private, or remove public: false")))
      }
      if let scopes, !scopes.isEmpty {
        let isEnough = scopes.contains("repo") || (everyoneReads && scopes.contains("public_repo"))
        found.append(
          Readiness(
            "issues: write",
            isEnough
              ? .ready("the token's scopes: \(scopes.joined(separator: ", "))")
              : .missing(
                because: "the token's scopes are \(scopes.joined(separator: ", "))",
                fix: "give it repo, or a fine-grained token with issues: write")))
      } else {
        found.append(
          Readiness(
            "issues: write", .unknown(because: "GitHub does not tell the rights of a fine-grained token")))
      }
      return found
    } catch { return [Readiness("repository \(repository)", error)] }
  }

  private static func marker(_ incident: IncidentID) -> String { "<!-- staunch incident \(incident) -->" }
  private static func marker(message id: String) -> String { "<!-- staunch message \(id) -->" }
  private static func marker(_ event: TicketMessage.Event) -> String {
    "<!-- staunch event \(event.rawValue) -->"
  }

  /// The issue that holds the message's own marker, in its body or in a comment; for a close, once it is closed too.
  public func find(_ message: TicketMessage) async throws(CapabilityError) -> TicketRef? {
    for issue in try await issues(of: message.incident) {
      guard let ref = Self.ref(issue), try await holds(message, issue, ref) else { continue }
      return message.event != .closed || issue["state"]?.string == "closed" ? ref : nil
    }
    return nil
  }

  private func holds(_ message: TicketMessage, _ issue: JSONValue, _ ref: TicketRef)
    async throws(CapabilityError) -> Bool
  {
    let marker = Self.marker(message: message.id)
    if issue["body"]?.string?.contains(marker) == true { return true }
    return try await api.pages("/issues/\(ref.id)/comments", by: .number).contains {
      $0["body"]?.string?.contains(marker) == true
    }
  }

  /// The incident's issues, the oldest first.
  private func issues(of incident: IncidentID) async throws(CapabilityError) -> [JSONValue] {
    let issues = try await api.pages(labelled + "&direction=asc", by: .number)
    let marker = Self.marker(incident)
    return issues.filter { issue in
      issue["pull_request"] == nil && issue["body"]?.string?.contains(marker) == true
    }
  }

  /// Every ticket of ours, by the time it was opened.
  var labelled: String {
    "/issues?labels=\(RESTClient.escaped(label))&state=all&sort=created"
  }

  private static func ref(_ issue: JSONValue) -> TicketRef? {
    guard let number = issue["number"]?.integer else { return nil }
    return TicketRef(id: String(number), url: issue["html_url"]?.string)
  }

  public func deliver(
    _ message: TicketMessage, to ticket: TicketRef?, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> TicketRef? {
    let everyoneReads = try await api.isPublic()
    // Whoever reads along must not learn of a live credential: details only once it is contained.
    let mayTell = !everyoneReads || message.event == .contained || message.event == .closed
    let issue = ticket == nil ? try await issues(of: message.incident).first : nil
    guard let ticket = ticket ?? issue.flatMap(Self.ref) else {
      return try await open(message, mayTell: mayTell, under: authority)
    }
    // This message made it; or another one did, which told of the incident before a playbook opened its ticket.
    if issue?["body"]?.string?.contains(Self.marker(message: message.id)) == true { return ticket }
    if mayTell { try await comment(message, on: ticket, under: authority) }
    if message.event == .closed {
      _ = try await api.send(
        .patch, "/issues/\(ticket.id)", ["state": "closed", "state_reason": "completed"], under: authority)
    }
    return ticket
  }

  private func open(_ message: TicketMessage, mayTell: Bool, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> TicketRef
  {
    let body = mayTell ? Self.harmless(message.body) : "Routine maintenance. Details follow when it is done."
    let made = try await api.send(
      .post, "/issues",
      [
        "title": .string(mayTell ? Self.harmless(message.title) : Self.neutralTitle),
        "body": .string(
          "\(Self.marker(message.incident))\n\(Self.marker(message: message.id))\n"
            + Self.marker(message.event) + "\n" + Self.marker(message.head)
            + (message.isDrill ? "**DRILL**\n\n" : "") + body),
        "labels": [.string(label)],
      ], under: authority)
    guard let ref = Self.ref(made) else {
      throw CapabilityError(
        .unknownOutcome, "POST /repos/\(repository)/issues", because: "the answer names no issue")
    }
    return ref
  }

  static let neutralTitle = "Credential hygiene task"

  private func comment(
    _ message: TicketMessage, on ticket: TicketRef, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let marker = Self.marker(message: message.id)
    let comments = try await api.pages("/issues/\(ticket.id)/comments", by: .number)
    guard !comments.contains(where: { $0["body"]?.string?.contains(marker) == true }) else { return }
    _ = try await api.send(
      .post, "/issues/\(ticket.id)/comments",
      [
        "body": .string(
          "\(marker)\n\(Self.marker(message.event))\n\(Self.marker(message.head))"
            + "\(Self.harmless(message.title))\n\n\(Self.harmless(message.body))")
      ], under: authority)
  }

  /// Text without mentions (nobody is paged by a quotation) and without a marker of ours.
  static func harmless(_ text: String) -> String {
    text.replacingOccurrences(of: "@", with: "@\u{200B}").replacingOccurrences(
      of: "<!--", with: "<\u{200B}!--")
  }
}
