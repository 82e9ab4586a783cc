public import Foundation
public import Incidents

/// New incidents since a person has last looked, and whether everything is held back because they are so many.
public struct StormCourse: Sendable {
  /// A storm that is held.
  public struct Held: Sendable, Hashable {
    /// Names this storm: the event with which it began.
    public let id: String
    public let reason: String
    public let since: Date
    /// New incidents since one window of the breaker before it began.
    public let incidents: Int
  }

  /// An incident that was opened.
  public struct Opening: Sendable, Hashable {
    public let at: Date
    public let incident: IncidentID
  }

  /// A window of the breaker, seconds.
  public static let window: TimeInterval = 600

  public private(set) var openings: [Opening] = []
  private var began: (id: String, reason: String, since: Date)?

  init() {}

  /// The storm that is held; nil when none is.
  public var held: Held? {
    guard let began else { return nil }
    let start = began.since.addingTimeInterval(-Self.window)
    return Held(
      id: began.id, reason: began.reason, since: began.since, incidents: openings.count { $0.at > start })
  }

  /// Those that no window reaches any more count no more. Not while a storm is held: it counts from before.
  mutating func forget(at now: Date) {
    guard began == nil else { return }
    openings.removeAll { $0.at <= now.addingTimeInterval(-Self.window) }
  }

  mutating func take(_ event: JournalEvent) {
    switch event.typed {
    case .incidentOpened:
      if let incident = event.incident { openings.append(Opening(at: event.at, incident: incident)) }
    case .decision(let decision):
      if decision.what == DecisionMade.storm {
        began = ("storm-\(event.sequence)", decision.reason ?? "", event.at)
      } else if decision.what == DecisionMade.stormReleased {
        began = nil
        openings = []
      }
    default: break  // the other kinds are no part of a storm
    }
  }
}
