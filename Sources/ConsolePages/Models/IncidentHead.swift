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
    announcement = "\(codename): old credential \(verdict?.word ?? "UNKNOWN"). Next: \(nextText)."
  }

  private var place: Int { state == "closed" ? 2 : state == "contained" ? 1 : 0 }

  /// Open before contained before closed, the worst first, then the oldest.
  static func sorted(_ documents: [JSONValue], now: Date) -> [IncidentHead] {
    documents.map { IncidentHead($0, now: now) }.sorted { one, other in
      let (place, otherPlace) = (one.place, other.place)
      if place != otherPlace { return place < otherPlace }
      return one.severityClass != other.severityClass
        ? one.severityClass < other.severityClass : one.detectedISO < other.detectedISO
    }
  }
}
