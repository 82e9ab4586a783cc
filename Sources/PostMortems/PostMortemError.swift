/// Why a document could not be drafted.
public struct PostMortemError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The journal knows no such incident.
    case unknownIncident
    /// A template is not valid Mustache.
    case badTemplate
    /// The earlier draft's marked regions cannot be told apart, so nothing of it may be replaced.
    case badRegions
    /// The file that a draft should replace is none, or one of another incident.
    case otherFile
    /// The file is in no encoding that is read.
    case badEncoding
  }
  public let code: Code
  /// What did not happen.
  public let what: String
  public let because: String
  public let fix: String

  init(_ code: Code, _ what: String, because: String, fix: String) {
    self.code = code
    self.what = what
    self.because = because
    self.fix = fix
  }

  public var description: String { "\(what)\n  because: \(because)\n  fix: \(fix)" }
}
