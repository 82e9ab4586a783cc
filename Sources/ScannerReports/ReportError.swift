/// Why a report cannot be read: where, what and how to go on. Never quotes the report, which may hold secrets.
public struct ReportError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What to do about it differs.
  public enum Code: String, Sendable, CaseIterable {
    /// There is nothing in it.
    case empty
    /// No format recognises it.
    case unknownFormat
    /// `--format` names none.
    case noSuchFormat
    /// A record or the text itself is malformed.
    case malformed
    /// Longer or deeper than is accepted.
    case tooLarge
  }
  public let code: Code
  /// `leaks.json:12:3`, or the source's name alone.
  public let place: String
  public let because: String
  public let fix: String

  public init(_ code: Code, at place: String, because: String, fix: String) {
    self.code = code
    self.place = place
    self.because = because
    self.fix = fix
  }

  public var description: String { "\(place): \(because)\n  fix: \(fix)" }
}
