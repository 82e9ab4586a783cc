public import Secrets

/// What to look for and what to put in its place, compiled for searching gigabytes.
///
/// A `.secret` is looked for in every form of `SecretForms` and split over JSON strings or wrapped base64; each form is
/// replaced by the same form of the replacement, so that JSON stays JSON and base64 still decodes. Overlapping hits are
/// removed as one range (git filter-repo would leave the rest of the second one).
public struct SecretPatterns: Sendable {
  /// One line of a replacement file, or one secret.
  public struct Expression: Sendable {
    public enum Matcher: Sendable {
      /// Every form is searched.
      case secret(Secret)
      /// Exactly these bytes, as `literal:` in filter-repo's file.
      case literal(Secret)
      /// A regular expression over bytes (PCRE2, near to Python's `re`).
      case regex(Secret)
    }
    public let matcher: Matcher
    /// Bytes in place of a match; for a regex with `\1`, `\g<name>`.
    public let replacement: [UInt8]
    public init(_ matcher: Matcher, replacement: [UInt8] = Array(SecretPatterns.defaultReplacement.utf8)) {
      self.matcher = matcher
      self.replacement = replacement
    }
  }

  public static let defaultReplacement = "***REMOVED***"
  public let expressions: [Expression]

  /// - Throws: `.badPattern`: an empty secret, a regex that does not compile, a replacement that holds a pattern.
  public init(_ expressions: [Expression]) throws(GitObjectsError) {
    self.expressions = expressions
  }

  /// Each secret in every form.
  public init(secrets: [Secret], replacement: String = SecretPatterns.defaultReplacement)
    throws(GitObjectsError)
  {
    try self.init(secrets.map { Expression(.secret($0), replacement: Array(replacement.utf8)) })
  }

  /// A file for filter-repo's `--replace-text`: one expression a line, `literal:` (assumed), `regex:`, `glob:`,
  /// replacement after the last `==>`.
  /// - Parameter searchesEveryForm: literals are searched as secrets, in every form.
  /// - Throws: `.badPattern` naming the line, not its text.
  public static func expressions(
    replaceText file: [UInt8], searchesEveryForm: Bool = true
  ) throws(GitObjectsError) -> [Expression] { throw .cancelled }

  /// Every hit in bytes that are no object: a ref name, a reflog, an index, a configuration file.
  public func hits(in bytes: [UInt8]) -> [TextHit] { [] }

  /// `bytes` without any secret, or nil when there is none in them.
  public func cleaned(_ bytes: [UInt8], as place: ObjectHit.Place = .blob) -> [UInt8]? { nil }

  /// A ref name without any secret, or nil when there is none in it. The result is a valid ref name.
  public func cleaned(refName: String) -> String? { nil }

  /// A hit outside of objects.
  public struct TextHit: Sendable, Hashable {
    /// First byte.
    public let offset: Int
    public let length: Int
    /// From 1.
    public let line: Int
    /// Index in ``SecretPatterns/expressions``.
    public let pattern: Int
    public let form: SecretForm
  }
}
