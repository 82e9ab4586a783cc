/// One thing that is wrong with a playbook, where it is, and how to fix it.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
  /// What a diagnostic means for the run.
  public enum Severity: String, Sendable, Codable, Comparable {
    /// Worth reading; lint passes.
    case warning
    /// Lint fails; from the loader, the playbook cannot run.
    case error
    public static func < (one: Self, other: Self) -> Bool { one == .warning && other == .error }
  }

  public let rule: Rule
  public let severity: Severity
  public let position: SourcePosition
  /// What is wrong, one sentence, starting lower-case.
  public let message: String
  /// How to fix it, nil when there is only one way.
  public let suggestion: String?

  public init(
    _ rule: Rule, _ severity: Severity? = nil, at position: SourcePosition, _ message: String,
    suggestion: String? = nil
  ) {
    self.rule = rule
    self.severity = severity ?? rule.severity
    self.position = position
    self.message = message
    self.suggestion = suggestion
  }

  /// `file:line:column: error: message [PB003]`, with the fix on a second line.
  public var description: String {
    var text = "\(position): \(severity.rawValue): \(message) [\(rule.rawValue)]"
    if let suggestion { text += "\n  fix: \(suggestion)" }
    return text
  }
}

/// A playbook that cannot be used, with everything that is wrong with it.
public struct PlaybookError: Error, Sendable, Hashable, CustomStringConvertible {
  /// At least one, by position.
  public let diagnostics: [Diagnostic]

  public init(_ diagnostics: [Diagnostic]) {
    self.diagnostics = diagnostics.sorted { $0.position < $1.position }
  }

  public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
