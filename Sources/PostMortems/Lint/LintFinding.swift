public import JSON

/// How much a finding weighs. Only errors make the lint fail.
public enum LintLevel: String, Sendable, Codable, CaseIterable, Comparable {
  case error, warning, suggestion
  public static func < (one: Self, other: Self) -> Bool { one.weight < other.weight }
  private var weight: Int {
    switch self {
    case .suggestion: 0
    case .warning: 1
    case .error: 2
    }
  }
}

/// A place in a document that a rule points at.
public struct LintFinding: Sendable, Hashable, CustomStringConvertible {
  public let file: String
  /// From 1.
  public let line: Int
  /// From 1, in Unicode scalars.
  public let column: Int
  public let level: LintLevel
  /// `BL01` …; `BL00` is a lint comment that does not hold.
  public let rule: String
  /// What stands there and what to write instead. Never holds what a secret rule found.
  public let message: String
  /// Text that may stand in place of the offending one; nil when a person must choose.
  public let replacement: String?
  /// How many scalars from ``column`` on are meant.
  public let length: Int

  /// As Vale prints it: `path:line:col: severity rule message`.
  public var description: String { "\(file):\(line):\(column): \(level.rawValue) \(rule) \(message)" }

  /// One finding of ``BlamelessLint/document(_:)``.
  public var json: JSONValue {
    [
      "file": .string(file), "line": .integer(line), "column": .integer(column), "length": .integer(length),
      "level": .string(level.rawValue), "rule": .string(rule), "message": .string(message),
      "replacement": replacement.map { .string($0) } ?? .null,
    ]
  }
}
