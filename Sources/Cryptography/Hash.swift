import COpenSSL
public import Foundation

/// An algorithm of FIPS 180-4 that ``Hash`` computes.
public protocol HashAlgorithm: Sendable {
  static var method: HashMethod { get }
}

/// SHA-256 (FIPS 180-4).
public typealias SHA256 = Hash<SHA256Algorithm>
public enum SHA256Algorithm: HashAlgorithm { public static let method = HashMethod("SHA2-256") }

/// For what others prescribe: ids of CACAO objects, old hashes in reports, SNS's first signature version.
public enum Insecure {
  public typealias SHA1 = Hash<SHA1Algorithm>
}
public enum SHA1Algorithm: HashAlgorithm { public static let method = HashMethod("SHA1") }

/// An `EVP_MD`, fetched once and kept for the life of the process.
///
/// `@unchecked`: libcrypto does not change it after it was fetched.
public struct HashMethod: @unchecked Sendable {
  let pointer: OpaquePointer

  fileprivate init(_ name: String) {
    // ``Libcrypto/missing()`` was asked at the program's start: whoever comes here has not asked.
    guard let pointer = EVP_MD_fetch(nil, name, nil) else {
      fatalError("libcrypto has no \(name): look at openssl.cnf (openssl version -d)")
    }
    self.pointer = pointer
  }
}

/// A hash being computed; a value, so what was hashed so far can be copied and continued twice.
///
/// ```swift
/// var hash = SHA256()
/// hash.update(data: head)
/// hash.update(data: body)
/// let digest = hash.finalize()  // 32 bytes
/// ```
public struct Hash<Algorithm: HashAlgorithm>: Sendable {
  private var state: HashState

  public init() { state = HashState(Algorithm.method) }

  /// Adds bytes.
  public mutating func update(data: some DataProtocol) {
    if !isKnownUniquelyReferenced(&state) { state = HashState(copying: state) }
    for region in data.regions { region.withUnsafeBytes(state.update) }
  }

  /// The digest of what was added; the hash itself can go on.
  public func finalize() -> [UInt8] { HashState(copying: state).finish() }

  /// The digest of `data`.
  public static func hash(data: some DataProtocol) -> [UInt8] {
    let state = HashState(Algorithm.method)
    for region in data.regions { region.withUnsafeBytes(state.update) }
    return state.finish()
  }
}

/// Owns an `EVP_MD_CTX`.
///
/// `@unchecked`: ``Hash`` writes to it only while it is the one owner.
final class HashState: @unchecked Sendable {
  private let context: OpaquePointer

  init(_ method: HashMethod) {
    context = Self.allocate()
    Self.require(EVP_DigestInit_ex2(context, method.pointer, nil) == 1)
  }

  init(copying other: HashState) {
    context = Self.allocate()
    Self.require(EVP_MD_CTX_copy_ex(context, other.context) == 1)
  }

  deinit { EVP_MD_CTX_free(context) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    Self.require(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1)
  }

  func finish() -> [UInt8] {
    let size = Int(EVP_MD_get_size(EVP_MD_CTX_get0_md(context)))
    return [UInt8](unsafeUninitializedCapacity: size) { digest, count in
      Self.require(EVP_DigestFinal_ex(context, digest.baseAddress, nil) == 1)
      count = size
    }
  }

  private static func allocate() -> OpaquePointer {
    guard let context = EVP_MD_CTX_new() else { fatalError("libcrypto: no memory for a hash") }
    return context
  }

  /// Hashing bytes in memory has no error that a caller could handle: without memory the process ends here as anywhere else,
  /// and goes on from its journal.
  private static func require(_ isFine: Bool) {
    guard isFine else { fatalError("libcrypto: no memory for a hash") }
  }
}
