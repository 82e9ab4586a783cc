import Foundation

/// What could not be done, and when it is tried again: after a pause that doubles. Of each thing apart, so that one thing's trouble
/// costs no other anything.
struct Troubles<Subject: Hashable> {
  private struct Trouble {
    var tries: Int
    var next: Date
    var words: String
  }

  private var all: [Subject: Trouble] = [:]
  private let first: TimeInterval
  private let longest: TimeInterval

  /// Seconds: the pause after the first time, and the longest.
  init(first: TimeInterval, longest: TimeInterval) {
    self.first = first
    self.longest = longest
  }

  /// Notes that it failed (again).
  ///
  /// - Returns: true when people were not told the same of it before.
  mutating func note(_ subject: Subject, _ words: String, at now: Date) -> Bool {
    let earlier = all[subject]
    let tries = (earlier?.tries ?? 0) + 1
    let pause = min(longest, first * Double(1 << min(tries - 1, 20)))
    all[subject] = Trouble(tries: tries, next: now.addingTimeInterval(pause), words: words)
    return earlier?.words != words
  }

  /// It failed, and its pause is not over.
  func holds(_ subject: Subject, at now: Date) -> Bool { all[subject].map { $0.next > now } ?? false }

  /// It failed, and its pause is over.
  func isDue(_ subject: Subject, at now: Date) -> Bool { all[subject].map { $0.next <= now } ?? false }

  /// It was done, or is no more.
  mutating func clear(_ subject: Subject) { all[subject] = nil }

  /// Those whose pause is not over.
  func held(at now: Date) -> Set<Subject> { Set(all.filter { $0.value.next > now }.keys) }

  /// What is wrong with it; nil: nothing.
  func words(of subject: Subject) -> String? { all[subject]?.words }

  /// Those whose pause is over.
  func due(at now: Date) -> Set<Subject> { Set(all.filter { $0.value.next <= now }.keys) }

  /// When the next pause ends; nil: none goes on.
  func next(after now: Date) -> Date? { all.values.map(\.next).filter { $0 > now }.min() }
}
