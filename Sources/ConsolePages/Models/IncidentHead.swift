import Foundation
import Incidents
import JSON

/// What the list and the head of a page say about an incident.
struct IncidentHead: Sendable {
  let id: String
  let path: String
  let codename: String
  let kind: String
  /// `SEV1`
  let severity: String
  let severityClass: String
  /// `open`, `contained` or `closed`.
  let state: String
  let isDrill: Bool
  let detectedISO: String
  let sinceText: String
  let credentials: [CredentialModel]
  /// The worst of the leaked secrets; nil when none was probed.
  let verdict: CredentialModel?
  let unprobed: StateMark
  let nextText: String
  let command: String?
  /// `7 of 11 steps`.
  let rowProgress: String?
  /// Repositories and the public name of the credential.
  let rowPlace: String?
  let rowAssigned: String?
  /// What a screen reader is told when it changes.
  let announcement: String

  init(_ json: JSONValue, now: Date) {
    id = json["id"]?.string ?? ""
    path = "/incidents/" + ConsoleText.pathSegment(id)
    codename = json["codename"]?.string ?? id
    kind = (json["kind"]?.string ?? "unknown").replacing("_", with: " ")
    let rank = json["severity"]?.string ?? "sev1"
    severity = rank.uppercased()
    severityClass = Severity(rawValue: rank)?.rawValue ?? "sev1"
    state = json["state"]?.string ?? "open"
    isDrill = json["drill"]?.boolean ?? false
    let detected = json["detected"]?.string.flatMap(Timestamp.date) ?? now
    detectedISO = Timestamp.text(detected)
    sinceText = "T+" + ConsoleText.span(max(0, Int(now.timeIntervalSince(detected))))
    credentials = (json["credentials"]?.array ?? []).compactMap { CredentialModel($0, now: now) }
    verdict = CredentialModel.worstLeaked(credentials)
    unprobed = StateMark.credential(nil, isLeaked: true, isProven: false)
    nextText = json["next"]?["text"]?.string ?? "Not known: the board does not say it"
    command = json["next"]?["command"]?.string
    rowProgress = json["progress"].flatMap { progress in
      guard let finished = progress["finished"]?.integer, let all = progress["steps"]?.integer, all > 0 else {
        return nil
      }
      return "\(finished) of \(all) steps"
    }
    let places = (json["repositories"]?.array ?? []).compactMap(\.string)
    let more =
      (json["places_count"]?.integer ?? 0) > 1 ? ["\(json["places_count"]?.integer ?? 0) places"] : []
    let words = [json["handle"]?.string].compactMap { $0 } + places.prefix(2) + more
    rowPlace = words.isEmpty ? nil : words.joined(separator: " · ")
    rowAssigned = json["assigned"]?.string.flatMap { $0.isEmpty ? nil : "with \($0)" }
    announcement = "\(codename): old credential \(verdict?.word ?? "UNKNOWN"). Next: \(nextText)."
  }
}
