public import Foundation
public import Incidents
public import JSON

/// How a report is read.
public struct ReportOptions: Sendable {
  /// What people call it: a file's name or `standard input`.
  public var sourceName: String
  /// A format's name; nil: recognise it by its content.
  public var format: String?
  /// Go on after malformed records and name each.
  public var keepGoing: Bool
  /// When the report arrived.
  public var observedAt: Date
  /// The directory that was scanned, when known: its name in front of paths is removed.
  public var scannedDirectory: String?
  /// The repository that was scanned, for reports that do not name one.
  public var repository: RepositoryRef?
  /// The platform's id for the delivery, for webhook bodies.
  public var deliveryID: String?
  public var limits: JSONLimits
  public var table: KindTable

  public init(
    sourceName: String, format: String? = nil, keepGoing: Bool = false, observedAt: Date,
    scannedDirectory: String? = nil, repository: RepositoryRef? = nil, deliveryID: String? = nil,
    limits: JSONLimits = .standard, table: KindTable = .builtin
  ) {
    self.sourceName = sourceName
    self.format = format
    self.keepGoing = keepGoing
    self.observedAt = observedAt
    self.scannedDirectory = scannedDirectory
    self.repository = repository
    self.deliveryID = deliveryID
    self.limits = limits
    self.table = table
  }
}
