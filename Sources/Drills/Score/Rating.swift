/// How well an objective was reached. Source: HSEEP's ratings (P, S, M, U). Of the response, never of a person.
public enum Rating: String, Sendable, Codable, CaseIterable, Comparable {
  /// Within its time.
  case performed = "P"
  /// Reached, within twice its time.
  case someChallenges = "S"
  /// Reached much later, or in part.
  case majorChallenges = "M"
  /// Not reached.
  case unable = "U"

  public static func < (one: Self, other: Self) -> Bool {
    allCases.firstIndex(of: one) ?? 0 < allCases.firstIndex(of: other) ?? 0
  }

  /// For people.
  public var meaning: String {
    switch self {
    case .performed: "performed"
    case .someChallenges: "performed with some challenges"
    case .majorChallenges: "performed with major challenges"
    case .unable: "unable to perform"
    }
  }
}
