import Foundation
import Inbox
import JSON
import WebhookSignatures

/// A slash command of Slack: it reads the board and answers whoever asked, within Slack's three seconds. It decides nothing:
/// a Slack account is no approver.
struct SlackRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.slack
  let mediaTypes: Set<String> = ["application/x-www-form-urlencoded"]
  let verifier: SlackSignature
  let inbox: Inbox

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    _ = try message.verified(by: verifier)
    let fields = try FormFields(message.body)
    let words = (fields["text"] ?? "").split(separator: " ").map(String.init)
    let text: String
    do throws(InboxError) { text = try answer(to: words) } catch {
      throw .unavailable("the board could not be read: \(error.code.rawValue)")
    }
    let document: JSONValue = ["response_type": "ephemeral", "text": .string(text)]
    return .answer(Answer(200, document.canonicalText, contentType: "application/json"))
  }

  private func answer(to words: [String]) throws(InboxError) -> String {
    switch words.first ?? "status" {
    case "status", "list":
      var query = IncidentQuery()
      query.states = [.open, .contained]
      let open = try inbox.incidents(query, limit: 20)
      guard open.total > 0 else { return "No incident is open." }
      let lines = open.entries.map { SlackRoute.line($0.summary) }
      let rest = open.total > lines.count ? ["… and \(open.total - lines.count) more"] : []
      return (["\(open.total) open:"] + lines + rest).joined(separator: "\n")
    case "show":
      guard words.count == 2, let found = try inbox.document(kind: "incident", id: words[1]) else {
        return "No such incident. Try: status"
      }
      return SlackRoute.line(found.document)
    default: return "Commands: status · show INCIDENT"
    }
  }

  private static func line(_ incident: JSONValue) -> String {
    let parts = ["id", "codename", "kind", "severity", "state", "next"].compactMap { name -> String? in
      guard let value = incident[name] else { return nil }
      if let text = value.string { return escaped(Text.line(text)) }
      return value["text"]?.string.map { escaped(Text.line($0)) }
    }
    return "• " + parts.joined(separator: " · ")
  }

  /// Slack reads &, < and > as markup: `<!channel>` would call everybody. Source: api.slack.com, formatting text.
  static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
