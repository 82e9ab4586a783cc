import Foundation
import Incidents
import JSON
import Secrets

/// TruffleHog v3 JSON Lines. Members with zero values are left out by the scanner.
///
/// `Verified: false` without an error also means "tried and refused", so it counts as not checked. Nothing found is nothing
/// written, as after a failure: only the log on standard error says that the scan came to its end.
/// Source: trufflehog pkg/output/json.go, pkg/pb/source_metadatapb.
enum TruffleHog: JSONReportFormat {
  static let name = "trufflehog"
  static let summary = "TruffleHog v3 JSON Lines (`trufflehog git --json`)"
  static let framing = JSONFraming.lines

  static func recognizes(_ opening: ReportOpening) -> Bool {
    let members = opening.members
    return opening.texts["logger"] == "trufflehog"
      || members.contains("SourceMetadata")
        && (members.contains("DetectorName") || members.contains("DetectorType"))
  }

  private static let again =
    "scan with its log, which says whether it came to its end: trufflehog git file://. --json 2>&1 | staunch respond -"
  static let whole: String? = again

  static func closing(_ context: ReportContext) -> [RecordItem] {
    let found = context.announced["log"] ?? 0
    if context.read == 0, found > 0 {
      return [.incomplete("the report holds none of the \(found) verified findings that its log counts")]
    }
    if context.errors > 0 {
      let because =
        "the scanner's log tells of \(context.errors) error\(context.errors == 1 ? "" : "s"): "
        + "its findings may not be all"
      return [context.read == 0 ? .incomplete(because) : .setAside(because)]
    }
    guard context.read == 0, !context.isFinished else { return [] }
    return [.incomplete("no finding, and nothing shows that the scan came to its end", fix: again)]
  }

  /// The scanner's log, also as it stands behind the time on a line for people.
  private static func log(_ fields: RecordFields, _ context: inout ReportContext) throws(RecordProblem) {
    context.isShown = true
    if fields.has("verified_secrets"), fields.has("chunks") {
      context.isFinished = true
      context.announced["log"] = max(
        context.announced["log"] ?? 0, try fields.integer("verified_secrets") ?? 0)
    }
    let level = fields["level"]?.string?.lowercased() ?? ""
    if ["error", "fatal", "panic", "dpanic"].contains(level) { context.errors += 1 }
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    let fields = try RecordFields(record.value, "")
    // The scanner's log, when standard error was sent to the same place.
    let isLine = fields.has("level") && (fields.has("msg") || fields.has("logger"))
    if !fields.has("SourceMetadata"), isLine || (fields.has("verified_secrets") && fields.has("chunks")) {
      try log(fields, &context)
      return [.log]
    }
    context.read += 1
    let rule = try fields.requiredText("DetectorName")
    let detector = Detector(rule: rule, name: try fields.text("DetectorDescription"))
    let kinds = context.kinds(rule, .trufflehog)
    let parts = try TruffleHogParts(fields, table: context.options.table)
    var finding = context.finding(.trufflehog, detector: detector, kinds: kinds, value: parts.value)
    // Alone the first half is only a name (an access key id): the other half is the secret.
    if finding.secret == nil, finding.handle != nil, let secret = parts.secret {
      finding.secret = Secret(secret)
    }
    finding.validity = try validity(fields)
    let metadata = try fields.object("SourceMetadata")?.requiredObject("Data")
    if let name = metadata?.names.sorted().first, let source = try metadata?.object(name) {
      finding.location = try location(name, source)
      finding.committedAt = try source.text("timestamp").flatMap(ReportedDate.date)
    }
    return [.finding(finding)]
  }

  private static func validity(_ fields: RecordFields) throws(RecordProblem) -> Validity {
    let extra = try fields.object("ExtraData")
    let isCanary = try extra?.text("is_canary") == "true"
    let isKnownTrap = try extra?.text("arn")?.contains("canarytokens") ?? false
    if isCanary || isKnownTrap { return .canary }
    if try fields.boolean("Verified") == true { return .active }
    return try fields.text("VerificationError") == nil ? .notChecked : .unknown
  }

  private static func location(_ source: String, _ fields: RecordFields) throws(RecordProblem) -> Location {
    let commit = try fields.text("commit")
    let place: Location.Place =
      switch source {
      case "Docker", "ECR": .image
      case "Filesystem": .file
      case "CircleCI", "TravisCI", "Jenkins", "Buildkite": .log
      default: commit == nil ? .other : .commit
      }
    return Location(
      place, repository: try fields.text("repository").map { RepositoryRef(address: $0) }, commit: commit,
      path: try fields.text(anyOf: "file", "path"), startLine: try fields.line("line"),
      url: try fields.text("link"))
  }
}
