import Capabilities
import Foundation
import Incidents
import JSON
import RESTClient

/// What the organisation's usage API says about one key: requests per day, and for which stretch of time it answered.
///
/// The stretch is measured by the buckets that came back, not by what was asked for: days that the API no longer has are
/// not covered. How late it counts a request is not documented; the last hour may still be missing.
/// Source: https://platform.openai.com/docs/api-reference/usage
struct OpenAIUsage {
  /// Every endpoint under which a key's requests are counted.
  static let kinds = [
    "completions", "embeddings", "moderations", "images", "audio_speeches", "audio_transcriptions",
  ]
  /// No further back is asked: 31 days come with one request.
  static let reach: TimeInterval = 180 * 86_400

  /// Day → requests of all kinds.
  private var requests: [Date: Int] = [:]
  /// For every kind that was read.
  private var stretches: [ClosedRange<Date>?] = []
  private var unread: [String] = []
  private let asked: ClosedRange<Date>

  /// - Throws: what the first kind throws when none can be read, and what another try may mend (network, 429, 5xx).
  static func read(of key: CredentialRef, since: Date?, now: Date, from api: RESTClient)
    async throws(CapabilityError) -> OpenAIUsage
  {
    let earliest = now.addingTimeInterval(-reach)
    let start = min(max(since ?? earliest, earliest), now)
    var usage = OpenAIUsage(asked: start...now)
    var failure: CapabilityError?
    for kind in kinds {
      do throws(CapabilityError) {
        usage.add(
          try await api.pages(
            "/v1/organization/usage/\(kind)?start_time=\(Int(start.timeIntervalSince1970))&bucket_width=1d"
              + "&api_key_ids%5B%5D=\(key.rawValue)", by: .token(limit: 31)))
      } catch {
        guard [.notFound, .invalid, .refused].contains(error.class) else { throw error }
        failure = failure ?? error
        usage.unread.append(kind)
      }
    }
    if let failure, usage.unread.count == kinds.count { throw failure }
    return usage
  }

  private init(asked: ClosedRange<Date>) { self.asked = asked }

  private mutating func add(_ buckets: [JSONValue]) {
    var spans: [ClosedRange<Date>] = []
    for bucket in buckets {
      guard let start = bucket["start_time"]?.integer.map({ Date(timeIntervalSince1970: Double($0)) }) else {
        continue
      }
      // A day without a count that can be read is not a day without requests: it is not covered.
      guard let results = bucket["results"]?.array else { continue }
      let counts = results.compactMap { $0["num_model_requests"]?.integer }
      guard counts.count == results.count else { continue }
      let count = counts.reduce(0, +)
      if count > 0 { requests[start, default: 0] += count }
      if let end = bucket["end_time"]?.integer.map({ Date(timeIntervalSince1970: Double($0)) }), end > start {
        spans.append(start...end)
      }
    }
    stretches.append(UsageStretch.longest(spans))
  }

  /// What all kinds answered for, within what was asked; nil when one of them did not say or could not be read.
  private var covered: ClosedRange<Date>? {
    guard unread.isEmpty else { return nil }
    var (from, until) = (asked.lowerBound, asked.upperBound)
    for stretch in stretches {
      guard let stretch else { return nil }
      from = max(from, stretch.lowerBound)
      until = min(until, stretch.upperBound)
    }
    return from < until ? from...until : nil
  }

  /// - Parameter expected: the most requests of an ordinary day; nil: nobody wrote it down, so nothing is judged.
  func report(expected: Int?) -> AbuseReport {
    var findings = requests.sorted { $0.key < $1.key }.map { day, count in
      let excess = expected.map { count > $0 ? ", more than the \($0) expected" : "" } ?? ""
      return "\(count) requests on \(Timestamp.text(day).prefix(10))\(excess)"
    }
    if !unread.isEmpty { findings.append("not readable: usage of \(unread.joined(separator: ", "))") }
    let isExceeded = expected.map { expected in requests.values.contains { $0 > expected } }
    if expected == nil, !requests.isEmpty {
      findings.append("no expected_requests_per_day in staunch.yaml: nobody can say which of them were yours")
    }
    let covered = covered
    return AbuseReport(
      seen: isExceeded == false && covered == nil ? nil : isExceeded, covered: covered, findings: findings)
  }
}
