import Incidents
import JSON

/// ggshield JSON: files with incidents, of one scan or of several commits. Values are masked unless `--show-secrets`.
/// Source: ggshield doc/schemas/secret.json.
enum GGShield: JSONReportFormat {
  static let name = "ggshield"
  static let summary = "ggshield JSON (`ggshield secret scan path --json`)"
  static let framing = JSONFraming.paths([
    JSONPath(.member("entities_with_incidents"), .anyElement), JSONPath(.member("total_incidents")),
    JSONPath(.member("scans"), .anyElement, .member("id")),
    JSONPath(.member("scans"), .anyElement, .member("entities_with_incidents"), .anyElement),
  ])

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.shape == .object
      && (opening.paths.contains("entities_with_incidents")
        || opening.paths.contains("scans[].entities_with_incidents")
        || opening.paths.contains("secrets_engine_version"))
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    if record.steps.last == .member("total_incidents") {
      // A scan without any lists no files.
      guard let count = record.value.integer else { return [] }
      context.isShown = true
      context.announced["total"] = max(context.announced["total"] ?? 0, count)
      return []
    }
    if record.steps.last == .member("id") {
      // A scan of history names its commit; other scans have ids of their own.
      let id = record.value.string ?? ""
      let isCommit = (id.count == 40 || id.count == 64) && id.allSatisfy(\.isHexDigit)
      context.commit = isCommit ? id : nil
      return []
    }
    let commit = record.steps.first == .member("scans") ? context.commit : nil
    context.read += 1
    let entity = try RecordFields(record.value, "")
    let path = try entity.requiredText("filename")
    guard entity.has("incidents") else { throw RecordProblem("incidents is missing") }
    return try RecordItem.each("incidents", of: entity) { incident throws(RecordProblem) in
      if let reason = try incident.text("ignore_reason") {
        return [.setAside("\(path): ggshield ignores it (\(reason))")]
      }
      return [.finding(try finding(incident, path, commit, context))]
    }
  }

  static func closing(_ context: ReportContext) -> [RecordItem] {
    guard context.read == 0, let count = context.announced["total"], count > 0 else { return [] }
    return [.incomplete("the report holds none of the \(count) incidents that it counts")]
  }

  private static func finding(
    _ incident: RecordFields, _ path: String, _ commit: String?, _ context: ReportContext
  ) throws(RecordProblem) -> Finding {
    let type = try incident.requiredText("type")
    let word = type.lowercased().split(separator: " ").joined(separator: "_")
    let matches = try incident.objects("occurrences")
    let match = try secretMatch(matches)
    var value = try match?.text("match")
    let isRedacted = value.map(Redaction.isRedacted) ?? true
    if !isRedacted, let id = try keyID(matches), let secret = value { value = "\(id):\(secret)" }
    var finding = context.finding(
      .ggshield, detector: Detector(rule: word, name: type), kinds: kinds(word, context),
      value: isRedacted ? nil : value)
    if isRedacted, let mask = value, mask.contains("***"), mask.contains(where: { $0 != "*" }) {
      finding.redactedMatch = RedactedMatch(before: "", after: "", mask: mask)
    }
    finding.validity = GitGuardian.validity(try incident.text("validity"))
    finding.providerURL = try incident.text("incident_url")
    finding.location = Location(
      commit == nil ? .file : .commit, commit: commit, path: path, startLine: try match?.line("line_start"),
      endLine: try match?.line("line_end"))
    return finding
  }

  private static func kinds(_ word: String, _ context: ReportContext) -> [CredentialKind] {
    let found = context.kinds(word, .gitguardian)
    if !found.isEmpty { return found }
    switch word {
    case "aws_keys": return ["aws_access_key"]
    case _ where word.contains("password"): return ["generic_password"]
    default: return []
    }
  }

  /// Of the parts of a credential the one to revoke.
  private static func secretMatch(_ matches: [RecordFields]) throws(RecordProblem) -> RecordFields? {
    let publicParts: Set<String> = [
      "client_id", "username", "host", "port", "database", "scheme", "email", "tenant",
    ]
    for wanted in ["connection_uri", "client_secret", "apikey", "password"] {
      for match in matches where try match.text("type") == wanted { return match }
    }
    for match in matches {
      if let type = try match.text("type"), publicParts.contains(type) { continue }
      return match
    }
    return matches.first
  }

  private static func keyID(_ matches: [RecordFields]) throws(RecordProblem) -> String? {
    for match in matches {
      if try match.text("type") == "client_id", let id = try match.text("match"), id.count == 20,
        id.hasPrefix("AKIA") || id.hasPrefix("ASIA"), !Redaction.isRedacted(id)
      {
        return id
      }
    }
    return nil
  }
}
