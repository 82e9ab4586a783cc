/// Why a delivery is refused. For logs and metrics only: the sender is told one constant text.
public struct SignatureError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// The verifier was given no key: refuse to start rather than accept everything.
    case noKey = "no_key"
    /// A header that carries the signature or its time is missing.
    case missing
    /// A header stands twice, or is not in its form.
    case malformed
    /// The signed time is too far from now.
    case expired
    /// No key of ours made this signature.
    case mismatch
    /// The message names a key, certificate or topic that we do not know.
    case unknownKey = "unknown_key"
  }
  public let code: Code
  /// One sentence, starting lower-case; names headers, never their values.
  public let because: String

  public init(_ code: Code, _ because: String) {
    self.code = code
    self.because = because
  }

  public var description: String { because }
}
