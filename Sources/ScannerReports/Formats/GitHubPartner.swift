import Incidents
import JSON

/// GitHub's partner program: tokens of ours that GitHub found in public, in the clear.
/// Source: docs.github.com, secret scanning partner program.
enum GitHubPartner: ReportFormat {
  static let name = "github-partner"
  static let summary = "GitHub secret scanning partner program message"

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.paths.isSuperset(of: ["[].token", "[].type"])
      && (opening.paths.contains("[].url") || opening.paths.contains("[].source"))
  }

  static func reader(_ context: ReportContext) -> any ReportReader {
    WholeBodyReader(context: context) { body throws(RecordProblem) in
      [.finding(try finding(RecordFields(body, ""), context))]
    }
  }

  private static func finding(_ fields: RecordFields, _ context: ReportContext) throws(RecordProblem)
    -> Finding
  {
    let type = try fields.requiredText("type")
    let token = try fields.requiredText("token")
    var finding = context.finding(
      .githubPartner, detector: Detector(rule: type), kinds: context.kinds(type, .github), value: token)
    finding.confidence = .high
    finding.exposure.isPubliclyLeaked = true
    let url = try fields.text("url")
    let place: Location.Place =
      switch try fields.text("source")?.lowercased() {
      case "commit", "content": .commit
      case let word? where word.hasPrefix("issue"): .issue
      case let word? where word.hasPrefix("pull_request"): .pullRequest
      case let word? where word.hasPrefix("discussion"): .discussion
      default: .other
      }
    finding.location = location(place, url)
    return finding
  }

  /// `https://github.com/owner/name/blob/<commit>/<path>` names all; other addresses are only shown.
  private static func location(_ place: Location.Place, _ url: String?) -> Location {
    guard let url else { return Location(place) }
    let parts = url.split(separator: "/").dropFirst(2).map(String.init)
    var location = Location(place, url: url)
    if url.hasPrefix("https://github.com/"), parts.count >= 2 {
      location.repository = RepositoryRef(host: "github.com", name: "\(parts[0])/\(parts[1])")
      if parts.count >= 5, parts[2] == "blob" {
        location.commit = parts[3]
        location.path = parts[4...].joined(separator: "/").split(separator: "#").first.map(String.init)
      }
    }
    return location
  }
}
