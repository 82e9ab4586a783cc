import Foundation
import Incidents
import JSON

/// SARIF 2.1.0 of any scanner; gitleaks, Betterleaks, Kingfisher and ggshield are known by their own members.
///
/// `partialFingerprints` of gitleaks are the commit's data and Kingfisher's differ from run to run: neither is an identity.
/// `fingerprints` name a finding that holds no value. Suppressed and absent results are set aside. Source: OASIS SARIF 2.1.0
/// §3.27. A run without a list of results was not completed (§3.14.23), and a log without a run tells of no scan (§3.13.4):
/// neither is a clean report.
enum SARIF: JSONReportFormat {
  static let name = "sarif"
  static let summary = "SARIF 2.1.0 (gitleaks, Betterleaks, Kingfisher, ggshield and others)"
  static let framing = JSONFraming.paths(own + audits)
  private static let own: [JSONPath] = [
    JSONPath(.member("runs"), .anyElement, .member("results"), .anyElement),
    JSONPath(.member("runs"), .anyElement, .member("tool"), .member("driver"), .member("name")),
    JSONPath(
      .member("runs"), .anyElement, .member("tool"), .member("driver"), .member("rules"), .anyElement,
      .member("id")),
    JSONPath(
      .member("runs"), .anyElement, .member("externalPropertyFileReferences"), .member("results"), .anyElement
    ),
    JSONPath(
      .member("runs"), .anyElement, .member("invocations"), .anyElement, .member("executionSuccessful")),
    JSONPath(
      .member("runs"), .anyElement, .member("invocations"), .anyElement,
      .member("toolExecutionNotifications"), .anyElement, .member("level")),
  ]
  private static let audits: [JSONPath] = Kingfisher.auditCounts.map { count in
    JSONPath(
      .member("runs"), .anyElement, .member("properties"), .member("repository_audit"), .member("summary"),
      .member(count))
  }
  static let marks: [JSONPath] = [
    JSONPath(.member("runs"), .anyElement),
    JSONPath(.member("runs"), .anyElement, .member("results")),
  ]
  private static let withoutRuns =
    "a log without a run: nothing shows that anything was scanned"
  private static let withoutResults =
    "a run without a list of results: the scan did not come to its end"

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.shape == .object && opening.paths.contains("runs")
      && (opening.texts["$schema"]?.contains("sarif") == true || opening.texts["version"] == "2.1.0"
        || opening.paths.contains("runs[].tool"))
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    let run = record.steps.dropFirst().first
    if record.steps.count == 2 {
      defer {
        context.isRunOpen = true
        context.isShown = true
      }
      return context.isRunOpen ? [.incomplete("before this place stands \(withoutResults)")] : []
    }
    if context.run != run {
      context.run = run
      context.tool = nil
      context.rules = [:]
    }
    switch record.steps.last {
    case .member("name"):
      context.tool = record.value.string?.lowercased()
      return []
    case .member("id"):
      if case .element(let number)? = record.steps.dropLast().last {
        context.rules[number] = record.value.string
      }
      return []
    case .member("results"):
      if record.value.array != nil { context.isRunOpen = false }
      return []
    case .member("executionSuccessful"):
      guard record.value.boolean == false else { return [] }
      return [
        .incomplete("the scan failed (executionSuccessful is false): its findings are not all")
      ]
    case .member("level"):
      guard record.value.string == "error" else { return [] }
      return [.incomplete("the scan met an error (toolExecutionNotifications): its findings may not be all")]
    case .member(let name): return Kingfisher.unscanned(name, record.value)
    case .element, nil: break
    }
    if record.steps.dropFirst(2).first == .member("externalPropertyFileReferences") {
      context.isRunOpen = false
      return [
        .malformed("results stand in another file (externalPropertyFileReferences), which was not read")
      ]
    }
    let result = try RecordFields(record.value, "")
    if let reason = try settledReason(result) { return [.setAside(reason)] }
    let rule = try rule(of: result, context)
    if try result.array("locations").isEmpty { return [.finding(try finding(rule, nil, result, context))] }
    let context = context
    return try RecordItem.each("locations", of: result) { place throws(RecordProblem) in
      [.finding(try finding(rule, place, result, context))]
    }
  }

  static func closing(_ context: ReportContext) -> [RecordItem] {
    guard context.isShown else { return [.incomplete(withoutRuns)] }
    return context.isRunOpen ? [.incomplete(withoutResults)] : []
  }

  /// A result names its rule by id or by its number among the tool's rules (§3.27.5 to §3.27.7); a tool that lists its rules
  /// after the results leaves only the number.
  private static func rule(of result: RecordFields, _ context: ReportContext) throws(RecordProblem) -> String
  {
    if let id = try result.text("ruleId") { return id }
    let reference = try result.object("rule")
    if let id = try reference?.text("id") { return id }
    var index = try result.integer("ruleIndex")
    if index == nil, reference?.has("toolComponent") != true { index = try reference?.integer("index") }
    guard let index, index >= 0 else { return KindTable.unknownKind.rawValue }
    return context.rules[index] ?? "rule \(index)"
  }

  /// Why a result needs no answer, or nil.
  private static func settledReason(_ result: RecordFields) throws(RecordProblem) -> String? {
    for suppression in try result.objects("suppressions") {
      let status = try suppression.text("status")
      if status == nil || status == "accepted" { return "the report marks the result as suppressed" }
    }
    if try result.text("baselineState") == "absent" {
      return "the report marks the result as gone (baselineState)"
    }
    let kind = try result.text("kind")
    if kind == "pass" || kind == "notApplicable" { return "the report marks the result as passed" }
    return nil
  }

  private static func finding(
    _ rule: String, _ place: RecordFields?, _ result: RecordFields, _ context: ReportContext
  ) throws(RecordProblem) -> Finding {
    let source = source(rule, context.tool)
    let physical = try place?.object("physicalLocation")
    let region = try physical?.object("region")
    let properties = try place?.object("properties")
    let kinds = context.kinds(
      rule, .kingfisher, .gitleaks, .kingfisher1, .trufflehog, .gitguardian, .detectSecrets)
    let value = try value(region?.object("snippet")?.text("text"), source, context)
    var finding = context.finding(
      source, detector: Detector(rule: rule),
      kinds: kinds, value: value)
    if let status = try properties?.text("validation_status") {
      finding.validity = Kingfisher.validity(status)
    }
    if value == nil, let name = try fingerprint(result) {
      finding.providerKey = "sarif:\(context.tool ?? "unknown"):\(name)"
    }
    if let physical, physical.has("artifactLocation") {
      finding.location = try location(physical, region, properties, result, source)
    }
    return finding
  }

  private static func source(_ rule: String, _ tool: String?) -> FindingSource {
    switch tool {
    case "gitleaks": return .gitleaks
    case "betterleaks": return .betterleaks
    case "kingfisher": return .kingfisher
    case "ggshield": return .ggshield
    case "trufflehog": return .trufflehog
    default:
      // Kingfisher names itself only after its results; its rules have its prefixes.
      let isKingfisher = ["betterleaks.", "kingfisher.", "veles.secrets/"].contains { rule.hasPrefix($0) }
      return isKingfisher ? .kingfisher : .sarif
    }
  }

  /// The secret in a snippet. Scanners that are not known may quote the whole line.
  private static func value(_ snippet: String?, _ source: FindingSource, _ context: ReportContext) -> String?
  {
    guard let snippet, !Redaction.isRedacted(snippet) else { return nil }
    if source != .sarif { return snippet }
    let prefixes = context.options.table.rows.flatMap(\.prefixes)
    let tokens = TextCandidates.tokens(in: Array(snippet.utf8), prefixes: prefixes)
    if tokens.count == 1 { return tokens.first.map { String(decoding: $0, as: UTF8.self) } }
    return snippet.contains(where: \.isWhitespace) ? nil : snippet
  }

  private static func fingerprint(_ result: RecordFields) throws(RecordProblem) -> String? {
    guard let fingerprints = try result.object("fingerprints"), let name = fingerprints.names.sorted().first
    else {
      return nil
    }
    return try fingerprints.text(name).map { "\(name)=\($0)" }
  }

  private static func location(
    _ physical: RecordFields, _ region: RecordFields?, _ properties: RecordFields?, _ result: RecordFields,
    _ source: FindingSource
  ) throws(RecordProblem) -> Location {
    let address = try physical.requiredObject("artifactLocation").requiredText("uri")
    let git = try properties?.object("git_metadata")
    var commit = try git?.object("commit")?.text("id")
    if source == .gitleaks || source == .betterleaks {
      commit = try result.object("partialFingerprints")?.text("commitSha")
    }
    if let found = commit, found.allSatisfy({ $0 == "0" }) { commit = nil }
    return Location(
      commit == nil ? .file : .commit,
      repository: try git?.text("repository_url").map { RepositoryRef(address: $0) }, commit: commit,
      path: ReportedPath.uri(address),
      startLine: try region?.line("startLine"), endLine: try region?.line("endLine"),
      startColumn: try region?.integer("startColumn").map {
        source == .kingfisher ? Kingfisher.column($0) : $0
      },
      endColumn: try region?.integer("endColumn").map { source == .kingfisher ? Kingfisher.column($0) : $0 })
  }
}
