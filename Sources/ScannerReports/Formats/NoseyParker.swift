import Foundation
import Incidents
import JSON

/// Nosey Parker JSON and JSON Lines: a finding with its capture groups in base64 and all its matches.
/// Source: noseyparker docs, report schema; shape checked against a report of 0.22.
enum NoseyParker: JSONReportFormat {
  static let name = "noseyparker"
  static let summary = "Nosey Parker JSON (`noseyparker report -f json`)"
  static let framing = JSONFraming.paths([JSONPath(.anyElement)])

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.shape == .array && opening.paths.isSuperset(of: ["[].rule_name", "[].matches"])
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    let fields = try RecordFields(record.value, "")
    guard let rule = try fields.text(anyOf: "rule_text_id", "rule_name"), fields.has("matches") else {
      throw RecordProblem("rule_name or matches is missing")
    }
    var items: [RecordItem] = []
    for match in try fields.objects("matches") {
      if try match.text("status") == "reject" {
        items.append(.setAside("a person rejected the match in Nosey Parker"))
        continue
      }
      var groups = try match.array("groups")
      if groups.isEmpty { groups = try fields.array("groups") }
      let detector = Detector(rule: rule, name: try fields.text("rule_name"))
      for provenance in try match.objects("provenance") {
        var finding = context.finding(
          .noseyParker, detector: detector, kinds: context.kinds(rule, .noseyParker), value: value(groups))
        finding.location = try location(provenance, match)
        items.append(.finding(finding))
      }
    }
    return items
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

  private static func location(_ provenance: RecordFields, _ match: RecordFields) throws(RecordProblem)
    -> Location
  {
    let span = try match.object("location")?.object("source_span")
    let first = try provenance.object("first_commit")
    let commit = try first?.object("commit_metadata")?.text("commit_id")
    var path = try first?.text("blob_path")
    if path == nil { path = try provenance.text("path") }
    var location = Location(
      commit == nil ? .file : .commit, commit: commit, blob: try match.text("blob_id"), path: path,
      startLine: try span?.object("start")?.line("line"), endLine: try span?.object("end")?.line("line"),
      url: try provenance.text("url"))
    if let repository = try provenance.text("repo_path") {
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

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.shape == .object && opening.paths.isSuperset(of: ["rule_name", "matches"])
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    try NoseyParker.items(in: record, context: &context)
  }
}
