public import Foundation

/// What was true in the sandbox while a drill ran: probed from outside again and again, not only at the end.
public struct WatchRecord: Sendable, Hashable {
  /// What is probed.
  public enum Subject: Sendable, Hashable {
    /// Whether the leaked credential of this kind is accepted.
    case leak(String)
    /// Whether the session that was opened with the leaked credential of this kind answers.
    case session(String)
    /// Whether the key that has nothing to do with the leak is refused.
    case bystanderRefused
  }

  /// Probes that all said yes, one after the other: when the first and the last of them began.
  public struct Stretch: Sendable, Hashable {
    public var from: Date
    public var until: Date
    public init(from: Date, until: Date) {
      self.from = from
      self.until = until
    }
  }

  /// In the order of time; none for what was never so.
  public private(set) var stretches: [Subject: [Stretch]] = [:]
  /// The longest time between two probes of one subject, in seconds: what is shorter may have gone unseen.
  public private(set) var longestGap: TimeInterval = 0
  public private(set) var probes = 0
  private var last: [Subject: (at: Date, answer: Bool)] = [:]

  public init() {}

  /// Adds a probe that began at `moment`. Probes of one subject come in the order of time.
  public mutating func add(_ subject: Subject, _ answer: Bool, at moment: Date) {
    probes += 1
    if let last = last[subject] { longestGap = max(longestGap, moment.timeIntervalSince(last.at)) }
    if answer {
      if last[subject]?.answer == true, let index = stretches[subject]?.indices.last {
        stretches[subject]?[index].until = moment
      } else {
        stretches[subject, default: []].append(Stretch(from: moment, until: moment))
      }
    }
    last[subject] = (moment, answer)
  }

  /// The first moment after `claim` at which it was so; nil when it never was again.
  public func first(_ subject: Subject, after claim: Date) -> Stretch? {
    (stretches[subject] ?? []).lazy.filter { $0.until > claim }
      .map { Stretch(from: max($0.from, claim), until: $0.until) }.first
  }

  public static func == (one: WatchRecord, other: WatchRecord) -> Bool {
    one.stretches == other.stretches && one.longestGap == other.longestGap && one.probes == other.probes
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(stretches)
    hasher.combine(probes)
  }
}
