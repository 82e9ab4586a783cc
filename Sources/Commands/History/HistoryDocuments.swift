import Capabilities
import GitHistory
import GitObjects
import JSON

/// The JSON of the history commands; stable, documented in docs/JSON.md.
enum HistoryDocuments {
  /// `document` with what a search for `patterns` does not cover.
  static func noting(_ patterns: SecretPatterns, _ document: JSONValue) -> JSONValue {
    guard case .object(var members) = document else { return document }
    members["forms_not_searched"] = .array(patterns.notSearched.map { .string($0) })
    return .object(members)
  }

  static func scan(_ report: ScanReport, repository: String) -> JSONValue {
    [
      "schema": 1, "repository": .string(repository), "clean": .boolean(report.isClean),
      "objects": .integer(report.objects), "commits": .integer(report.commits),
      "places": .array(report.findings.map(finding)), "backups": .array(report.backups.map { .string($0) }),
      "submodules": .array(report.submodules.map { .string($0) }),
      "not_searched": .array(report.notSearched.map(\.json)),
    ]
  }

  static func freshClone(_ scan: HistoryScan, repository: String, remote: String?) -> JSONValue {
    [
      "schema": 1, "repository": .string(repository), "remote": remote.map { .string($0) } ?? .null,
      "address": scan.remote.map { .string($0) } ?? .null,
      "clean": .boolean(scan.isClean), "objects": .integer(scan.objects), "commits": .integer(scan.commits),
      "not_searched": .array(scan.notSearched.map(\.json)),
      "places": .array(scan.places.map { .object(place($0)) }),
      "elsewhere": .array(scan.elsewhere.map(elsewhere)),
    ]
  }

  private static func elsewhere(_ one: HistoryElsewhere) -> JSONValue {
    let (state, places, because): (String, JSONValue, JSONValue) =
      switch one.state {
      case .clean: ("clean", 0, .null)
      case .found(let places): ("found", .integer(places), .null)
      case .unseen(let because): ("unseen", .null, .string(because))
      }
    return [
      "remote": .string(one.remote), "address": .string(one.address), "state": .string(state),
      "places": places, "because": because,
    ]
  }

  static func rewrite(_ rewrite: HistoryRewrite, isPlan: Bool) -> JSONValue {
    [
      "schema": 1, "plan": .boolean(isPlan),
      "rewritten": [
        "commits": .integer(rewrite.commits), "trees": .integer(rewrite.trees),
        "blobs": .integer(rewrite.blobs),
        "tags": .integer(rewrite.tags), "refs": .integer(rewrite.refs.count),
      ],
      "refs": .array(
        rewrite.refs.map { ["ref": .string($0.ref), "from": .string($0.from), "to": .string($0.to)] }),
      "signatures_dropped": .integer(rewrite.signaturesDropped),
      "residual": .array(rewrite.left.map(residual)),
      "matches": rewrite.matches.map(matches) ?? .null,
      "backup": rewrite.backup.map { .string($0) } ?? .null,
      "maps": rewrite.maps.map { .string($0) } ?? .null,
    ]
  }

  private static func matches(_ matches: HistoryMatches) -> JSONValue {
    [
      "values": .array(matches.values.map { .string($0) }), "count": .integer(matches.count),
      "inside_words": .integer(matches.insideWords), "files": .integer(matches.files),
    ]
  }

  static func push(_ plan: HistoryPushPlan) -> JSONValue {
    [
      "schema": 1, "plan": true, "address": .string(plan.address),
      "updates": .array(
        plan.updates.map {
          [
            "ref": .string($0.ref), "from": $0.from.map { .string($0) } ?? .null,
            "to": $0.to.map { .string($0) } ?? .null,
          ]
        }),
      "done": .array(plan.done.map { .string($0) }), "untouched": .array(plan.untouched.map { .string($0) }),
      "unaccounted": .array(plan.unaccounted.map { .string($0) }),
      "residual": .array(plan.residual.map(residual)),
    ]
  }

  static func push(_ push: HistoryPush) -> JSONValue {
    [
      "schema": 1, "plan": false, "address": .string(push.address), "whole": .boolean(push.isWhole),
      "refs": .array(
        push.refs.map {
          [
            "ref": .string($0.ref), "updated": .boolean($0.isUpdated),
            "reason": $0.reason.map { .string($0) } ?? .null,
          ]
        }),
      "untouched": .integer(push.untouched), "unaccounted": .array(push.unaccounted.map { .string($0) }),
      "residual": .array(push.residual.map(residual)),
    ]
  }

  private static func finding(_ finding: ScanReport.Finding) -> JSONValue {
    var members = place(finding.place)
    members["first_commit"] = finding.firstCommit.map { .string($0) } ?? .null
    members["last_commit"] = finding.lastCommit.map { .string($0) } ?? .null
    members["unreachable"] = .boolean(finding.isUnreachable)
    members["expression"] = finding.pattern.map { .integer($0) } ?? .null
    return .object(members)
  }

  private static func place(_ place: HistoryPlace) -> [String: JSONValue] {
    [
      "place": .string(place.place), "object": .string(place.object), "form": .string(place.form),
      "path": place.path.map { .string($0) } ?? .null, "line": place.line.map { .integer($0) } ?? .null,
      "refs": .array(place.refs.map { .string($0) }),
    ]
  }

  private static func residual(_ residual: HistoryRewrite.Residual) -> JSONValue {
    ["place": .string(residual.place), "why": .string(residual.why), "fix": .string(residual.fix)]
  }
}
