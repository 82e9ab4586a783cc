/// A secret value that several steps may hold: a leaked credential, its replacement, a token of the runner.
///
/// Neither `Codable` nor `Equatable` nor `Hashable`; it prints as `<secret>` and its mirror is empty (templates read
/// mirrors). Compare secrets by ``Fingerprint``; persist them only as ``SealedSecret``.
public final class Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
  private let bytes: SecretBytes

  /// Takes over `bytes`.
  public init(_ bytes: consuming SecretBytes) { self.bytes = bytes }

  /// Copies the UTF-8 bytes of `text`. For values that already arrived as text from a parser.
  public convenience init(_ text: some StringProtocol) { self.init(SecretBytes(copying: Array(text.utf8))) }

  /// Calls `body` with the bytes; they are valid only during the call.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe bytes.withUnsafeBytes(body)
  }

  /// A copy as text, for protocols whose library wants a `String` (an HTTP header, libpq). Never store it.
  ///
  /// Bytes that are not UTF-8 are replaced; such a secret cannot travel in those protocols anyway.
  public func exposeAsText() -> String {
    unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// A copy as bytes, for hashing, sealing and searching. Never store it.
  public func exposeAsBytes() -> [UInt8] { unsafe bytes.withUnsafeBytes { unsafe Array($0) } }

  /// True when there is nothing in it.
  public var isEmpty: Bool { bytes.count == 0 }

  public var description: String { "<secret>" }
  public var debugDescription: String { "<secret>" }
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
