import Foundation
public import JSON

/// A score for people and for programs, next to the last comparable one.
public struct Scoreboard: Sendable {
  let score: Score
  let earlier: [Score]

  /// - Parameter earlier: ``DrillHistory/comparable(with:)``.
  public init(_ score: Score, earlier: [Score]) {
    self.score = score
    self.earlier = earlier
  }

  /// A table in plain ASCII, without a line break at the end.
  public var text: String {
    var rows = [["segment", "target", "this", "last", "change", "rating", "what was seen"]]
    for segment in score.segments {
      let last = earlier.last?.segments.first { $0.objective == segment.objective }?.reached
      var change = "-"
      if let now = segment.reached, let last {
        change = (now < last ? "-" : "+") + Self.time(abs(now - last))
      }
      rows.append([
        segment.objective, Self.time(segment.target), Self.time(segment.reached), Self.time(last), change,
        segment.rating.rawValue, segment.evidence,
      ])
    }
    let widths = (0..<7).map { column in rows.map { $0[column].count }.max() ?? 0 }
    var lines = [
      "DRILL \(score.scenario): \(verdict), \(score.overall.meaning)"
    ]
    for row in rows {
      let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
      lines.append("  " + cells.joined(separator: " | ").trimmingTrailingSpaces)
    }
    for fail in score.hardFails { lines.append("  FAILED: \(fail.rawValue)") }
    for reason in score.void ?? [] { lines.append("  VOID: \(reason): nothing was shown about it") }
    lines.append("  machine time \(Self.time(score.machine)), waited for people \(Self.time(score.waited))")
    if let spread = DrillHistory.spread(earlier + [score]) {
      lines.append(
        "  \(spread.count) comparable drills: min \(Self.time(spread.least)), median \(Self.time(spread.median)), max \(Self.time(spread.most))"
      )
    }
    lines.append(
      "  P performed, S with some challenges, M with major challenges, U unable: of the response, not of people"
    )
    return lines.joined(separator: "\n")
  }

  private var verdict: String { score.isVoid ? "VOID" : score.isPassed ? "passed" : "NOT passed" }

  /// `{"schema":1,"scenario","digest","passed","void":[…],"overall","segments":[…],"hard_fails":[…],"machine_ms","waited_ms","history"}`.
  public var json: JSONValue {
    var history: JSONValue = .null
    if let spread = DrillHistory.spread(earlier + [score]) {
      history = [
        "count": .integer(spread.count), "min_ms": .integer(spread.least),
        "median_ms": .integer(spread.median),
        "max_ms": .integer(spread.most),
      ]
    }
    return [
      "schema": 1, "scenario": .string(score.scenario), "digest": .string(score.digest),
      "passed": .boolean(score.isPassed), "void": .array((score.void ?? []).map { .string($0) }),
      "overall": .string(score.overall.rawValue),
      "segments": .array(
        score.segments.map { segment in
          [
            "objective": .string(segment.objective),
            "target_ms": segment.target.map { .integer($0) } ?? .null,
            "reached_ms": segment.reached.map { .integer($0) } ?? .null,
            "rating": .string(segment.rating.rawValue), "evidence": .string(segment.evidence),
          ]
        }),
      "hard_fails": .array(score.hardFails.map { .string($0.rawValue) }),
      "machine_ms": .integer(score.machine), "waited_ms": .integer(score.waited), "history": history,
    ]
  }

  /// `12.3s`, or `-`.
  static func time(_ milliseconds: Int?) -> String {
    guard let milliseconds else { return "-" }
    let tenths = (milliseconds + 50) / 100
    let (minutes, rest) = (tenths / 600, tenths % 600)
    return (minutes > 0 ? "\(minutes)m" : "") + "\(rest / 10).\(rest % 10)s"
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String { String(reversed().drop { $0 == " " }.reversed()) }
}
