public import Foundation

/// When the response to a new incident begins.
public enum StartRule: Sendable, Hashable {
  case now
  /// Wait for more places until this instant: 30 s after the last finding, at most five minutes after the first.
  case at(Date)
  /// Nothing starts by itself: a trap, an example, a refused credential, a person's turn.
  case notByItself

  /// At once when the secret works, is public or opens production; else after a pause in which further places gather.
  public static func of(
    _ incident: Incident, firstFinding: Date, lastFinding: Date, table: KindTable = .builtin
  )
    -> StartRule
  {
    switch incident.restraint {
    case .canary, .example, .testKey: return .notByItself
    case .unknownKind, .genericKind, .missingValue, nil: break
    }
    if incident.validity == .inactive { return .notByItself }
    let isCritical = table.row(of: incident.kind)?.isCritical ?? false
    if incident.validity == .active || incident.exposure.isPubliclyLeaked == true || isCritical {
      return .now
    }
    return .at(min(lastFinding.addingTimeInterval(30), firstFinding.addingTimeInterval(300)))
  }
}
