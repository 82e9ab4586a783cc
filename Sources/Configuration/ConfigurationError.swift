import Playbooks

/// Everything that is wrong with a staunch.yaml, each with its place and how to fix it.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
  /// One thing that is wrong.
  public struct Problem: Sendable, Hashable, CustomStringConvertible {
    /// `staunch.yaml:12:3`
    public let position: String
    public let message: String
    public let suggestion: String?
    public init(_ position: String, _ message: String, suggestion: String? = nil) {
      self.position = position
      self.message = message
      self.suggestion = suggestion
    }
    public var description: String {
      suggestion.map { "\(position): \(message)\n  fix: \($0)" } ?? "\(position): \(message)"
    }
  }
  /// At least one, in the order of the file.
  public let problems: [Problem]
  public init(_ problems: [Problem]) { self.problems = problems }
  public var description: String { problems.map(\.description).joined(separator: "\n") }
}
