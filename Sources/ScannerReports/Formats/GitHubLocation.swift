import Foundation
import Incidents

/// Where GitHub found a secret: thirteen types, of which `commit` and `wiki_commit` name a line.
/// Source: REST, list locations for a secret scanning alert.
enum GitHubLocation {
  static func location(_ fields: RecordFields, _ repository: RepositoryRef?) throws(RecordProblem) -> Location
  {
    let type = try fields.requiredText("type")
    let details = try fields.requiredObject("details")
    return try location(type, details, repository)
  }

  /// The place that the REST alert itself names, when it does.
  static func firstLocation(_ alert: RecordFields, _ repository: RepositoryRef?) throws(RecordProblem)
    -> Location?
  {
    guard let details = try alert.object("first_location_detected") else {
      return repository.map { Location(.other, repository: $0) }
    }
    return try location(details.has("commit_sha") ? "commit" : "other", details, repository)
  }

  private static func location(_ type: String, _ details: RecordFields, _ repository: RepositoryRef?)
    throws(RecordProblem) -> Location
  {
    var location = Location(place(type), repository: repository)
    location.commit = try details.text("commit_sha")
    location.blob = try details.text("blob_sha")
    location.path = try details.text("path").map { $0.hasPrefix("/") ? String($0.dropFirst()) : $0 }
    location.startLine = try details.line("start_line")
    location.endLine = try details.line("end_line")
    location.startColumn = try details.line("start_column")
    location.endColumn = try details.line("end_column")
    location.url = try details.text(anyOf: "html_url", "\(type)_url")
    return location
  }

  private static func place(_ type: String) -> Location.Place {
    switch type {
    case "commit": .commit
    case "wiki_commit": .wiki
    case _ where type.hasPrefix("issue"): .issue
    case _ where type.hasPrefix("pull_request"): .pullRequest
    case _ where type.hasPrefix("discussion"): .discussion
    default: .other
    }
  }
}
