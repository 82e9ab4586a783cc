import Foundation
import Incidents
import JSON

/// Nosey Parker JSON and JSON Lines: a finding with its capture groups in base64 and all its matches.
/// Source: noseyparker docs, report schema; shape checked against a report of 0.22.
enum NoseyParker: JSONReportFormat {
  static let name = "noseyparker"
  static let summary = "Nosey Parker JSON (`noseyparker report -f json`)"
  static let framing = JSONFraming.list

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.shape == .array && opening.members.isSuperset(of: ["rule_name", "matches"])
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    let fields = try RecordFields(record.value, "")
    guard let rule = try fields.text(anyOf: "rule_text_id", "rule_name"), fields.has("matches") else {
      throw RecordProblem("rule_name or matches is missing")
    }
    let detector = Detector(rule: rule, name: try fields.text("rule_name"))
    let kinds = context.kinds(rule, .noseyParker)
    let shared = try fields.array("groups")
    let count = try fields.array("matches").count
    let context = context
    func finding(_ groups: [JSONValue]) -> Finding {
      context.finding(.noseyParker, detector: detector, kinds: kinds, value: value(groups))
    }
    if try isRejected(fields) {
      return [.setAside("a person rejected the finding in Nosey Parker")]
    }
    // Without any match, or any provenance of one, nobody knows where it stands; that it leaked is known.
    if count == 0 { return [.finding(finding(shared))] }
    var items = try RecordItem.each("matches", of: fields) { match throws(RecordProblem) in
      if try match.text("status") == "reject" {
        return [.setAside("a person rejected the match in Nosey Parker")]
      }
      let own = try match.array("groups")
      var found = finding(own.isEmpty ? shared : own)
      guard try !match.array("provenance").isEmpty else {
        found.location = try location(nil, match)
        return [.finding(found)]
      }
      return try RecordItem.each("provenance", of: match) { provenance throws(RecordProblem) in
        var found = found
        found.location = try location(provenance, match)
        return [.finding(found)]
      }
    }
    if let all = try fields.integer("num_matches"), all > count {
      items.append(
        .setAside(
          "the report holds \(count) of the finding's \(all) places; all: noseyparker report --max-matches -1"
        ))
    }
    return items
  }

  /// `statuses` of all matches, where the report says only these.
  private static func isRejected(_ fields: RecordFields) throws(RecordProblem) -> Bool {
    let statuses = try fields.array("statuses")
    return !statuses.isEmpty && statuses.allSatisfy { $0.string == "reject" }
  }

  /// The captured text; two groups of an AWS rule are the key's id and its secret.
  private static func value(_ groups: [JSONValue]) -> String? {
    let texts = groups.compactMap { group -> String? in
      guard let text = group.string, let data = Data(base64Encoded: text) else { return nil }
      return String(validating: data, as: UTF8.self)
    }
    guard let first = texts.first, !first.isEmpty else { return nil }
    if texts.count == 2, first.count == 20, first.hasPrefix("AKIA") || first.hasPrefix("ASIA") {
      return "\(first):\(texts[1])"
    }
    return texts.count == 1 ? first : texts.max { $0.count < $1.count }
  }

  /// - Parameter provenance: nil when the report says only which blob it is.
  private static func location(_ provenance: RecordFields?, _ match: RecordFields) throws(RecordProblem)
    -> Location
  {
    let span = try match.object("location")?.object("source_span")
    let first = try provenance?.object("first_commit")
    let commit = try first?.object("commit_metadata")?.text("commit_id")
    var path = try first?.text("blob_path")
    if path == nil { path = try provenance?.text("path") }
    let place: Location.Place = commit != nil ? .commit : provenance == nil ? .other : .file
    var location = Location(
      place, commit: commit, blob: try match.text("blob_id"), path: path,
      startLine: try span?.object("start")?.line("line"), endLine: try span?.object("end")?.line("line"),
      url: try provenance?.text("url"))
    if let repository = try provenance?.text("repo_path") {
      let name = repository.split(separator: "/").last { $0 != ".git" && $0 != "." }
      location.repository = name.map { RepositoryRef(name: String($0)) }
    }
    return location
  }
}

/// Nosey Parker JSON Lines: a finding a line.
enum NoseyParkerLines: JSONReportFormat {
  static let name = "noseyparker-jsonl"
  static let summary = "Nosey Parker JSON Lines (`noseyparker report -f jsonl`)"
  static let framing = JSONFraming.lines
  private static let again =
    "ask for a list, which is also written when it is empty: noseyparker report -f json | staunch respond -"
  static let whole: String? = again

  static func closing(_ context: ReportContext) -> [RecordItem] {
    guard context.read == 0 else { return [] }
    return [.incomplete("no finding, and nothing shows that the report is whole", fix: again)]
  }

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.shape == .object && opening.members.isSuperset(of: ["rule_name", "matches"])
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    context.read += 1
    return try NoseyParker.items(in: record, context: &context)
  }
}
