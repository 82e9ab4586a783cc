public import Capabilities
public import Foundation

/// What the built-in actions may use of the outside: ports only.
public struct ActionEnvironment: Sendable {
  public let targets: Targets
  public let history: any HistoryRewriter
  public let http: any HTTPTransport
  public let processes: any ProcessRunner
  public let files: any FileSystem
  public let outbox: any MessageOutbox
  public let briefs: any IncidentBriefing
  public let postMortems: any PostMortemWriter
  public let alerts: any AlertPlatform
  /// The wall clock.
  public let now: @Sendable () -> Date

  public init(
    targets: Targets, history: any HistoryRewriter, http: any HTTPTransport, processes: any ProcessRunner,
    files: any FileSystem, outbox: any MessageOutbox, briefs: any IncidentBriefing,
    postMortems: any PostMortemWriter, alerts: any AlertPlatform = NoAlertPlatform(),
    now: @escaping @Sendable () -> Date
  ) {
    self.targets = targets
    self.history = history
    self.http = http
    self.processes = processes
    self.files = files
    self.outbox = outbox
    self.briefs = briefs
    self.postMortems = postMortems
    self.alerts = alerts
    self.now = now
  }
}
