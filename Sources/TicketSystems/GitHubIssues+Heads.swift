public import Capabilities
import Foundation
import JSON
import RESTClient

// The journal's head in every message, in a marker that people do not see.
extension GitHubIssues {
  private static let opening = "<!-- staunch head "
  private static let closing = " -->"

  /// A line of its own; empty for a message of an earlier version.
  static func marker(_ head: JournalHead?) -> String {
    head.map { opening + $0.text + closing + "\n" } ?? ""
  }

  /// A ticket's own comments; or the newest hundred tickets of ours and the newest hundred comments of the repository: the
  /// last thing that was said here, whatever it was about.
  public func heads(in ticket: TicketRef?) async throws(CapabilityError) -> [PostedHead]? {
    if let ticket {
      return try await api.pages("/issues/\(ticket.id)/comments", by: .number).flatMap {
        heads($0, in: ticket.id)
      }
    }
    let issues = try await api.pages(labelled + "&direction=desc", by: .number, first: 1)
    let comments = try await api.pages(
      "/issues/comments?sort=created&direction=desc", by: .number, first: 1)
    return issues.flatMap { heads($0, in: $0["number"]?.integer.map { "\($0)" }) }
      + comments.flatMap { comment in
        // https://api.github.com/repos/OWNER/NAME/issues/12
        heads(comment, in: comment["issue_url"]?.string?.split(separator: "/").last.map(String.init))
      }
  }

  /// We write one into a text; whoever writes many shall not make us check them all.
  private func heads(_ text: JSONValue, in number: String?) -> [PostedHead] {
    guard let body = text["body"]?.string, let start = body.range(of: Self.opening),
      let end = body.range(of: Self.closing, range: start.upperBound..<body.endIndex),
      let head = JournalHead(text: body[start.upperBound..<end.lowerBound])
    else { return [] }
    return [PostedHead(head, in: "\(repository)#\(number ?? "?")")]
  }
}
