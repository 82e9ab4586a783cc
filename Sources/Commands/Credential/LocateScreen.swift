import Capabilities
import Foundation
import GitHistory
import Incidents
import JSON
import Response

/// What `credential locate` answers: for people, for programs and for the incident.
struct LocateScreen {
  let console: Console

  /// - Parameters:
  ///   - forms: what no search for these values covers.
  ///   - incident: whose values they are, for the next command.
  func show(_ report: CopyReport, notSearched forms: [String], incident: String?) {
    for form in forms { console.say("not searched: \(form)") }
    for place in report.places { console.data(line(place)) }
    for trap in report.traps { console.data("trap: \(harmless(trap))") }
    // Once for each kind or resource: a history has the value in many lines.
    var told: Set<String> = []
    for place in report.places where told.insert(place.fix).inserted {
      console.data("fix: \(harmless(place.kind.rawValue)): \(harmless(place.fix))")
    }
    for left in report.notSearched {
      console.data("not searched: \(harmless(left.place)): \(harmless(left.why))")
    }
    for repository in report.repositories {
      let more = incident.map { " --incident \($0)" } ?? ""
      console.data(
        "Git repository, its history is searched by: staunch history scan --repository "
          + ShellWord.quoted(harmless(Self.workTree(repository))) + more)
    }
    let searched = "\(Count.text(report.files, "file")), \(report.bytes) bytes"
    switch report.verdict {
    case .clean: console.data("clean: \(searched), 0 places")
    case .found: console.say("\(Count.text(report.places.count, "place")) in \(searched)")
    case .unknown:
      console.data(
        "unknown: 0 places in \(searched); not searched: \(Count.text(report.notSearched.count, "place"))")
    }
  }

  private func line(_ place: FoundCopy) -> String {
    var line = "\(place.kind.rawValue)  \(harmless(place.path))"
    if let number = place.line { line += ":\(number)" }
    if let resource = place.resource {
      line += "  \(harmless(resource.address))  \(harmless(resource.attribute))"
    }
    if place.part != "content" && place.part != "resource" { line += "  \(place.part)" }
    return line + "  (\(place.form))"
  }

  private static func workTree(_ repository: String) -> String {
    repository.hasSuffix("/.git") ? String(repository.dropLast(5)) : repository
  }

  /// Stable, documented in docs/JSON.md.
  func document(_ report: CopyReport, notSearched forms: [String]) -> JSONValue {
    [
      "schema": 1, "verdict": .string(report.verdict.rawValue),
      "roots": .array(report.roots.map { .string($0) }), "files": .integer(report.files),
      "bytes": .integer(report.bytes),
      "places": .array(
        report.places.map { place in
          var members = Self.members(place)
          members["value"] = .integer(place.pattern + 1)
          members["part"] = .string(place.part)
          members["fix"] = .string(place.fix)
          return .object(members)
        }),
      "traps": .array(report.traps.map { .string($0) }),
      "not_searched": .array(report.notSearched.map(\.json)),
      "repositories": .array(report.repositories.map { .string(Self.workTree($0)) }),
      "forms_not_searched": .array(forms.map { .string($0) }),
    ]
  }

  /// What is kept in the incident.
  func noted(_ report: CopyReport) -> CopyNotes.Search {
    CopyNotes.Search(
      verdict: report.verdict.rawValue, roots: report.roots, places: report.places.map(Self.members),
      notSearched: report.notSearched.map(\.place), files: report.files)
  }

  private static func members(_ place: FoundCopy) -> [String: JSONValue] {
    [
      "path": .string(place.path), "kind": .string(place.kind.rawValue), "form": .string(place.form),
      "line": place.line.map { .integer($0) } ?? .null,
      "address": place.resource.map { .string($0.address) } ?? .null,
      "attribute": place.resource.map { .string($0.attribute) } ?? .null,
      "trap": place.trap.map { .string($0) } ?? .null,
    ]
  }
}
