import Foundation

extension DataProtocol {
  /// The bytes in one piece, without a copy where they are already.
  func withContiguousBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    if let only = regions.first, only.count == count { return try only.withUnsafeBytes(body) }
    return try Array(self).withUnsafeBytes(body)
  }
}

extension UnsafeRawBufferPointer {
  /// libcrypto's `const unsigned char *`; nil for no bytes.
  var octets: UnsafePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}
