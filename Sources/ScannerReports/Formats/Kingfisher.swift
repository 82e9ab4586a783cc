import Incidents
import JSON

/// Kingfisher 2 JSON: `findings`, then an audit and metadata; on standard output a second document follows.
///
/// Its `fingerprint` differs from run to run and is ignored. An AWS secret is no finding of its own: it stands in
/// `dependent_captures` of the access key id's. Measured with 2.14.0.
enum Kingfisher: JSONReportFormat {
  static let name = "kingfisher"
  static let summary = "Kingfisher 2 JSON (`kingfisher scan --format json --no-dedup`)"
  static let framing = JSONFraming.paths(own + audits)
  private static let own: [JSONPath] = [
    JSONPath(.member("findings"), .anyElement), JSONPath(.member("metadata"), .member("target")),
    JSONPath(.member("metadata"), .member("summary"), .member("findings")),
  ]
  private static let audits: [JSONPath] = auditCounts.map { count in
    JSONPath(.member("audit"), .member("summary"), .member(count))
  }
  /// What an audit counts of repositories that were not scanned, or not to the end, and of those that were.
  static let auditCounts = ["fetch_failed", "scan_failed", "scan_partial", "pending", "scan_succeeded"]

  static func recognizes(_ opening: ReportOpening) -> Bool {
    let members = opening.members
    return members.contains("findings")
      && ["findings[].rule", "audit", "metadata.kingfisher_version"].contains(where: members.contains)
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    if record.steps.last == .member("target") {
      if let directory = record.value.string { context.addScannedDirectory(directory) }
      return []
    }
    if record.steps.last == .member("findings") {
      announce(record.value.integer, by: "metadata", &context)
      return []
    }
    if case .member(let name)? = record.steps.last { return unscanned(name, record.value) }
    context.read += 1
    return [.finding(try finding(RecordFields(record.value, ""), context: &context))]
  }

  static func closing(_ context: ReportContext) -> [RecordItem] {
    let announced = context.announced.values.max() ?? 0
    guard announced > context.read else { return [] }
    let because = "the report holds \(context.read) of the \(announced) findings that its summary counts"
    return [context.read == 0 ? .incomplete(because) : .setAside(because)]
  }

  /// Several reports, one after the other, are one.
  static func announce(_ count: Int?, by part: String, _ context: inout ReportContext) {
    let (sum, isTooLarge) = context.announced[part, default: 0].addingReportingOverflow(count ?? 0)
    context.announced[part] = isTooLarge ? Int.max : sum
  }

  /// What an audit's count says about the report.
  static func unscanned(_ name: String, _ value: JSONValue) -> [RecordItem] {
    guard auditCounts.contains(name), let count = value.integer else { return [] }
    let isWrong = name == "scan_succeeded" ? count == 0 : count > 0
    guard isWrong else { return [] }
    return [
      .incomplete("the scan is not complete (\(name) is \(count)): its findings are not all")
    ]
  }

  static func finding(_ record: RecordFields, context: inout ReportContext) throws(RecordProblem) -> Finding {
    let rule = try record.requiredObject("rule")
    let match = try record.requiredObject("finding")
    let id = try rule.requiredText("id")
    let kinds = context.kinds(id, .kingfisher, .kingfisher1)
    let snippet = try match.text("snippet")
    let isRedacted = snippet.map(Redaction.isRedacted) ?? true
    var finding = context.finding(
      .kingfisher, detector: Detector(rule: id, name: try rule.text("name")), kinds: kinds,
      value: isRedacted ? nil : try pair(snippet, try match.object("dependent_captures")))
    finding.confidence = try match.text("confidence").flatMap(Confidence.init) ?? .unknown
    finding.validity = validity(try match.object("validation")?.text("status"))
    finding.location = try location(match, &context)
    finding.committedAt = try match.object("git_metadata")?.object("commit")?.text("date")
      .flatMap(ReportedDate.date)
    return finding
  }

  /// An access key id with its secret, when Kingfisher found both.
  private static func pair(_ snippet: String?, _ captures: RecordFields?) throws(RecordProblem) -> String? {
    guard let snippet, let secret = try captures?.text("AWS_SECRET_ACCESS_KEY"), !Redaction.isRedacted(secret)
    else { return snippet }
    return "\(snippet):\(secret)"
  }

  private static func location(_ match: RecordFields, _ context: inout ReportContext) throws(RecordProblem)
    -> Location
  {
    let git = try match.object("git_metadata")
    let commit = try git?.object("commit")
    var path = try match.requiredText("path")
    if let file = try git?.object("file")?.text("path") { path = file }
    var location = Location(
      commit == nil ? .file : .commit, commit: try commit?.text("id"), path: path,
      startLine: try match.line("line"), startColumn: try match.integer("column_start").map(column),
      endColumn: try match.integer("column_end").map(column),
      encoding: try match.text("encoding") == "base64" ? .base64 : .plain)
    if let address = try git?.text("repository_url") {
      location.repository = RepositoryRef(address: address)
      context.addScannedDirectory(address)  // paths of the work tree begin with this name
    }
    return location
  }

  /// Kingfisher counts bytes from 0 and names the first and the last (measured), also in SARIF; ours count from 1.
  static func column(_ number: Int) -> Int { number + 1 }

  /// Kingfisher's words, see `validation.status`.
  static func validity(_ status: String?) -> Validity {
    switch status?.lowercased() {
    case "active credential": .active
    case "inactive credential", "invalid credential", "revoked credential": .inactive
    case "not attempted", "assumed valid (not live-validated)", nil: .notChecked
    case let word? where word.hasPrefix("canary"): .canary
    default: .unknown
    }
  }
}

/// Kingfisher 2 JSON Lines: a finding a line, then the audit; on standard output a summary follows.
enum KingfisherLines: JSONReportFormat {
  static let name = "kingfisher-jsonl"
  static let summary = "Kingfisher 2 JSON Lines (`kingfisher scan --format jsonl --no-dedup`)"
  static let framing = JSONFraming.lines

  static func recognizes(_ opening: ReportOpening) -> Bool {
    let members = opening.members
    return members.isSuperset(of: ["rule.id", "finding.fingerprint"])
      || (members.contains("audit.schema") && !members.contains("findings"))
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    let fields = try RecordFields(record.value, "")
    let isSummary = !fields.has("rule") && !fields.has("finding")
    // The last line on standard output: `findings` is a number there.
    if isSummary, fields.has("kingfisher"), let count = fields["findings"]?.integer {
      Kingfisher.announce(count, by: "kingfisher", &context)
      return []
    }
    if isSummary, fields.has("audit") || fields.has("metadata") || fields.has("access_map") {
      for repository in try fields.object("audit")?.objects("repositories") ?? [] {
        if let directory = try repository.text("repository") { context.addScannedDirectory(directory) }
      }
      let counted = try fields.object("metadata")?.object("summary")?.integer("findings")
      Kingfisher.announce(counted, by: "metadata", &context)
      guard let summary = try fields.object("audit")?.object("summary") else { return [] }
      var items: [RecordItem] = []
      for name in summary.names.sorted() {
        if let count = summary[name] { items += Kingfisher.unscanned(name, count) }
      }
      return items
    }
    context.read += 1
    return [.finding(try Kingfisher.finding(fields, context: &context))]
  }

  private static let again =
    "scan again and keep all of its output, the last lines count: kingfisher scan . --format jsonl --no-dedup"
  static let whole: String? = again

  static func closing(_ context: ReportContext) -> [RecordItem] {
    guard context.read == 0, context.announced.isEmpty else { return Kingfisher.closing(context) }
    return [.incomplete("no finding, and the audit that Kingfisher writes last is missing", fix: again)]
  }
}
