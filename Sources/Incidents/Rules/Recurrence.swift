public import Foundation

/// What to do when a known incident's secret is found again.
public enum Recurrence: String, Sendable, Codable, CaseIterable {
  /// The incident is open: one more place, at most a quiet notice.
  case append
  /// The incident is closed and this place is history: nothing to do.
  case ignore
  /// The incident is closed and the secret is back: open it again and page.
  case reopen

  /// Decides.
  /// - Parameters:
  ///   - occurrence: where it was found; nil when the message names no place.
  ///   - validity: what the finding says; `active` after closure always reopens.
  ///   - closedAt: when the incident was closed; nil while it is open.
  ///   - known: keys of the occurrences that were known at closure.
  public static func of(
    _ occurrence: Occurrence?, validity: Validity, closedAt: Date?, known: Set<String>
  ) -> Recurrence {
    guard let closedAt else { return .append }
    if validity == .active { return .reopen }
    guard let occurrence else { return .ignore }
    if known.contains(occurrence.key) { return .ignore }
    // Without a commit's date a new place counts as new: a missed return is worse than a page too many.
    guard let committed = occurrence.committedAt else { return .reopen }
    return committed > closedAt ? .reopen : .ignore
  }
}
