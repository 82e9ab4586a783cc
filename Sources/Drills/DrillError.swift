/// Why a drill cannot be prepared: what, why, and how to fix it.
public struct DrillError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The scenario file is wrong, or there is none of this name.
    case scenario
    /// A program or server of the sandbox did not start.
    case sandbox
    /// A target is not a sandbox: the drill refuses.
    case production
    /// A file of the drill cannot be read or written.
    case file
  }
  public let code: Code
  /// What was attempted.
  public let operation: String
  /// Why it failed, one sentence, starting lower-case.
  public let because: String
  /// An exact command or edit, where there is one.
  public let fix: String?

  public init(_ code: Code, _ operation: String, because: String, fix: String? = nil) {
    self.code = code
    self.operation = operation
    self.because = because
    self.fix = fix
  }

  public var description: String {
    "\(operation): \(because)" + (fix.map { "; fix: \($0)" } ?? "")
  }
}
