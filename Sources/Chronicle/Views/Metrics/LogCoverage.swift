public import Foundation
public import Incidents
import JSON

/// How much of the exposure the provider's logs answer for: what one search covered, laid over the exposure window.
public struct LogCoverage: Sendable, Hashable {
  public let value: MetricValue

  /// - Parameters:
  ///   - search: an outcome of `abuse.search`.
  ///   - now: the end of an exposure that goes on.
  public init(_ search: JournalEvent, in record: IncidentRecord, _ instants: MetricInstants, now: Date) {
    let outputs = StepOutcome(search.body).outputs
    let place = "journal #\(search.sequence)"
    guard outputs["covered_from"] != nil else {
      value = Self.stated(outputs, at: place)
      return
    }
    guard let from = Self.date(outputs["covered_from"]), let until = Self.date(outputs["covered_until"])
    else {
      value = .unknown("the provider keeps no log, or does not say how far back it goes (\(place))")
      return
    }
    guard let start = Self.start(of: record, instants) else {
      value = .unknown("nobody knows when the exposure began")
      return
    }
    let end = instants.dead.date ?? now
    guard start < end else {
      value = .dataError(end.duration(since: start), "the exposure ends before it begins")
      return
    }
    let overlap = min(until, end).timeIntervalSince(max(from, start))
    value = .share(max(0, overlap) / end.timeIntervalSince(start))
  }

  /// What a search of an earlier version states. Its "100 %" was written down, not measured.
  private static func stated(_ outputs: [String: JSONValue], at place: String) -> MetricValue {
    let percent = outputs["coverage_percent"]?.integer
    let share = percent.map { (0...100).contains($0) ? Double($0) / 100 : nil } ?? outputs["coverage"]?.share
    guard let share else { return .unknown("the search at \(place) states no coverage") }
    return share < 1 || percent == nil
      ? .share(share) : .unknown("the search at \(place) does not say which stretch of time it covers")
  }

  /// The first commit that anybody knows of, or the publication when that is earlier.
  private static func start(of record: IncidentRecord, _ instants: MetricInstants) -> Date? {
    let claimed = record.reports.flatMap { signal in
      signal.report.places.map(\.committed) + [signal.report.introduction?.authored]
    }
    return (claimed + [instants.introduced.date, instants.published.date]).compactMap { $0 }.min()
  }

  private static func date(_ json: JSONValue?) -> Date? {
    json?["$timestamp"]?.string.flatMap(Timestamp.date)
  }
}
