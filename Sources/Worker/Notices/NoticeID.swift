import Capabilities
import Cryptography
import Foundation
import Incidents
import Response
import Secrets

/// What a notice is about, as its id says: ids follow from incidents and deliveries, so that one that was queued before a
/// crash is not queued again.
enum NoticeID: String {
  /// A new incident, alone.
  case detected
  /// Many new incidents of one delivery.
  case summary = "batch"
  /// The first plan of an incident that was told before.
  case planned
  /// Further places.
  case places
  /// A closed incident is open again.
  case reopened

  /// Reads the kind of a message's id; nil: the message is no notice.
  init?(_ message: String) {
    guard let word = message.split(separator: "-").first, let kind = NoticeID(rawValue: String(word)) else {
      return nil
    }
    self = kind
  }

  static func detected(_ incident: IncidentID, at tracker: TrackerName) -> String {
    "detected-\(incident)-\(tracker)"
  }

  static func planned(_ incident: IncidentID, at tracker: TrackerName) -> String {
    "planned-\(incident)-\(tracker)"
  }

  /// - Parameters:
  ///   - first: the event that brought the first of the places.
  ///   - last: the one that brought the last.
  static func places(_ incident: IncidentID, first: Int, last: Int) -> String {
    "places-\(incident)-\(first)-\(last)"
  }

  /// The first event that a message of ``places(_:first:last:)`` counts from; nil for any other.
  static func firstPlace(of message: String, about incident: IncidentID) -> Int? {
    let start = "places-\(incident)-"
    guard message.hasPrefix(start) else { return nil }
    return message.dropFirst(start.count).split(separator: "-").first.flatMap { Int($0) }
  }

  /// The parent of a batch's incidents: its ticket is its own, so that no member's playbook closes it.
  static func parent(of batch: NoticeLedger.Batch) -> IncidentID {
    let digest = SHA256.hash(data: Data("batch/v1\0\(batch.isTrap)\0\(batch.delivery)".utf8))
    return IncidentID("batch-" + Hex.text(digest).prefix(16))
  }

  static func summary(_ parent: IncidentID, at tracker: TrackerName) -> String { "\(parent)-\(tracker)" }
}
