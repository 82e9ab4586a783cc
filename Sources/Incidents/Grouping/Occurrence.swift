import Cryptography
public import Foundation
import Secrets

/// One place where an incident's secret stands. Holds no value and no author.
public struct Occurrence: Sendable, Hashable, Codable {
  /// SHA-256 (hex): the same place reported twice has the same key.
  public let key: String
  public let location: Location
  public let source: FindingSource
  public let detector: Detector
  public let observedAt: Date
  public let committedAt: Date?

  init(_ place: ReportedPlace, kind: CredentialKind, incident: IncidentKey) {
    location = place.location
    source = place.source
    detector = place.detector
    observedAt = place.observedAt
    committedAt = place.committedAt
    key = Occurrence.key(of: place.location, kind: kind, incident: incident)
  }

  private init(_ place: Occurrence, key: String) {
    location = place.location
    source = place.source
    detector = place.detector
    observedAt = place.observedAt
    committedAt = place.committedAt
    self.key = key
  }

  /// The same place under the key by which it is known.
  package func keyed(_ key: String) -> Occurrence { Occurrence(self, key: key) }

  /// The key of a place: host, repository, commit or blob, path, first line, kind and incident. Columns, a scanner's own
  /// fingerprints and weak hashes are left out: they differ from run to run or between scanners.
  public static func key(of location: Location, kind: CredentialKind, incident: IncidentKey) -> String {
    let parts: [String?] = [
      location.repository?.host, location.repository?.identity, location.commit ?? location.blob,
      location.path ?? location.url, location.startLine.map(String.init), kind.rawValue, incident.rawValue,
    ]
    return Hex.text(SHA256.hash(data: Array(parts.map { $0 ?? "" }.joined(separator: "\0").utf8)))
  }
}

/// A finding's place, before its incident is known.
struct ReportedPlace: Sendable {
  let location: Location
  let source: FindingSource
  let detector: Detector
  let observedAt: Date
  let committedAt: Date?

  init?(_ finding: Finding) {
    guard let location = finding.location else { return nil }
    self.location = location
    source = finding.source
    detector = finding.detector
    observedAt = finding.observedAt
    committedAt = finding.committedAt
  }

  /// Equal for two reports of one place, whatever the scanners call it.
  var identity: [String] {
    [
      location.repository?.host ?? "", location.repository?.identity ?? "",
      location.commit ?? location.blob ?? "", location.path ?? location.url ?? "",
      location.startLine.map(String.init) ?? "",
    ]
  }
}
