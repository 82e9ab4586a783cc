import COpenSSL
public import Foundation

/// HMAC (RFC 2104) over a hash.
///
/// ```swift
/// let code = HMAC<SHA256>.authenticationCode(for: body, using: key)
/// guard HMAC<SHA256>.isValidAuthenticationCode(theirs, authenticating: body, using: key) else { … }
/// ```
public struct HMAC<Function: KeyedHash> {
  private var inner: Function
  private let outer: Function

  /// - Parameter key: of any length; longer than the hash's block it is hashed first (RFC 2104 §2).
  public init(key: SymmetricKey) {
    (inner, outer) = key.withUnsafeBytes { bytes in
      var block = [UInt8](repeating: 0, count: Function.blockSize)
      defer { block.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
      if bytes.count > block.count {
        for (index, byte) in Function.hash(data: bytes).enumerated() { block[index] = byte }
      } else {
        for (index, byte) in bytes.enumerated() { block[index] = byte }
      }
      for index in block.indices { block[index] ^= 0x36 }
      var inner = Function()
      inner.update(data: block)
      for index in block.indices { block[index] ^= 0x36 ^ 0x5C }
      var outer = Function()
      outer.update(data: block)
      return (inner, outer)
    }
  }

  /// Adds bytes.
  public mutating func update(data: some DataProtocol) { inner.update(data: data) }

  /// The code of what was added.
  public func finalize() -> [UInt8] {
    var outer = outer
    outer.update(data: inner.finalize())
    return outer.finalize()
  }

  /// The code of `data`.
  public static func authenticationCode(for data: some DataProtocol, using key: SymmetricKey) -> [UInt8] {
    var code = HMAC(key: key)
    code.update(data: data)
    return code.finalize()
  }

  /// True when `code` is that of `data`; takes the same time wherever the two differ.
  public static func isValidAuthenticationCode(
    _ code: some DataProtocol, authenticating data: some DataProtocol, using key: SymmetricKey
  ) -> Bool {
    let expected = authenticationCode(for: data, using: key)
    return code.withContiguousBytes { given in
      given.count == expected.count && CRYPTO_memcmp(given.baseAddress, expected, expected.count) == 0
    }
  }
}

/// A hash that HMAC can be built over.
public protocol KeyedHash: Sendable {
  /// Bytes in a block: HMAC's key is padded to them.
  static var blockSize: Int { get }
  init()
  mutating func update(data: some DataProtocol)
  func finalize() -> [UInt8]
  static func hash(data: some DataProtocol) -> [UInt8]
}

extension Hash: KeyedHash {
  public static var blockSize: Int { Int(EVP_MD_get_block_size(Algorithm.method.pointer)) }
}
