import Foundation

/// The stretch of time that a usage report answered for, measured by the buckets that came back.
enum UsageStretch {
  /// The longest stretch without a gap.
  static func longest(_ spans: [ClosedRange<Date>]) -> ClosedRange<Date>? {
    var joined: [ClosedRange<Date>] = []
    for span in spans.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = joined.last, span.lowerBound <= last.upperBound {
        joined[joined.count - 1] = last.lowerBound...max(last.upperBound, span.upperBound)
      } else {
        joined.append(span)
      }
    }
    return joined.max {
      $0.upperBound.timeIntervalSince($0.lowerBound) < $1.upperBound.timeIntervalSince($1.lowerBound)
    }
  }
}
