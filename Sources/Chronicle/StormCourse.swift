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
    /// The first of them.
    public let first: IncidentID?
  }

  /// The last storm that a person has released.
  public struct Released: Sendable, Hashable {
    public let id: String
    /// Why they did.
    public let reason: String
    public let at: Date
    /// The event that says so: what was opened before it is not held back by a count again.
    public let sequence: Int
    /// What the storm had held.
    public let incidents: [IncidentID]
  }

  /// An incident that was opened.
  public struct Opening: Sendable, Hashable {
    public let at: Date
    public let incident: IncidentID
  }

  /// A window of the breaker, seconds.
  public static let window: TimeInterval = 600

  public private(set) var openings: [Opening] = []
  /// Nil: none was released yet.
  public private(set) var released: Released?
  private var began: (id: String, reason: String, since: Date)?

  init() {}

  /// The storm that is held; nil when none is.
  public var held: Held? {
    guard let began else { return nil }
    let ids = heldIncidents(since: began.since)
    return Held(
      id: began.id, reason: began.reason, since: began.since, incidents: ids.count, first: ids.first)
  }

  public var isHeld: Bool { began != nil }

  /// Opened since one window of the breaker before the storm began; in the order of opening.
  public var heldIncidents: [IncidentID] { began.map { heldIncidents(since: $0.since) } ?? [] }

  private func heldIncidents(since began: Date) -> [IncidentID] {
    let start = began.addingTimeInterval(-Self.window)
    return openings.filter { $0.at > start }.map(\.incident)
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
        if let began {
          released = Released(
            id: began.id, reason: decision.reason ?? "", at: event.at, sequence: event.sequence,
            incidents: heldIncidents)
        }
        began = nil
        openings = []
      }
    default: break  // the other kinds are no part of a storm
    }
  }
}
