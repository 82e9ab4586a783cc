/// How bad it is: sev1 is worst. Source: NIST SP 800-61r3 leaves the scale to the organisation; four steps are common.
public enum Severity: String, Sendable, Codable, CaseIterable, Comparable {
  case sev1, sev2, sev3, sev4
  public static func < (one: Self, other: Self) -> Bool { one.rawValue > other.rawValue }
}
