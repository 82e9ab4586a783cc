import Foundation

/// Bytes that must never be seen: owned by one place, zeroed when it lets go.
///
/// The type is noncopyable, so interpolating, printing, dumping, collecting in an array or encoding it does not
/// compile. To share a secret between steps, wrap it in ``Secret``.
@safe
public struct SecretBytes: ~Copyable, @unchecked Sendable {
  // Invariant for @unchecked: the buffer is written only in `init`, is never handed out, and dies with this value.
  private let storage: UnsafeMutableRawBufferPointer

  /// Copies `bytes`. The caller clears its own copy.
  public init(copying bytes: UnsafeRawBufferPointer) {
    unsafe storage = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    if bytes.count > 0 { unsafe storage.copyMemory(from: bytes) }
  }

  /// Copies `bytes`.
  public init(copying bytes: some Collection<UInt8>) {
    unsafe storage = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    unsafe storage.copyBytes(from: bytes)
  }

  /// The number of bytes. Not for output: a length narrows a search.
  public var count: Int { unsafe storage.count }

  /// Calls `body` with the bytes; they are valid only during the call.
  public borrowing func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(UnsafeRawBufferPointer(storage))
  }

  deinit {
    if let address = unsafe storage.baseAddress { unsafe explicit_bzero(address, storage.count) }
    unsafe storage.deallocate()
  }
}
