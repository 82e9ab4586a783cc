/// Counted things for people: `1 tag`, `2 tags`.
public enum Count {
  /// - Parameter singular: an English noun whose plural ends in s.
  public static func text(_ count: Int, _ singular: String) -> String {
    "\(count) \(singular)\(count == 1 ? "" : "s")"
  }
}
