import COpenSSL
public import Foundation

/// Key bytes, wiped when the last copy of the value goes.
public struct SymmetricKey: Sendable {
  /// How long a new key is.
  public enum Size: Int, Sendable {
    case bits128 = 16
    case bits256 = 32
  }

  private let storage: Storage

  /// New random bytes (`RAND_priv_bytes`). Without random numbers the process ends: no key is better than a known one.
  public init(size: Size) {
    storage = Storage(count: size.rawValue)
    guard RAND_priv_bytes(storage.octets, Int32(size.rawValue)) == 1 else {
      fatalError("libcrypto has no random numbers")
    }
  }

  /// A copy of `data`.
  public init(data: some DataProtocol) {
    storage = Storage(count: data.count)
    UnsafeMutableRawBufferPointer(start: storage.octets, count: data.count).copyBytes(from: data)
  }

  public var bitCount: Int { storage.count * 8 }

  /// The bytes, for as long as `body` runs.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeRawBufferPointer(start: storage.octets, count: storage.count))
  }

  /// `@unchecked`: written by the initialisers of the key alone.
  private final class Storage: @unchecked Sendable {
    let octets: UnsafeMutablePointer<UInt8>
    let count: Int

    init(count: Int) {
      self.count = count
      octets = .allocate(capacity: max(count, 1))
    }

    deinit {
      OPENSSL_cleanse(octets, count)
      octets.deallocate()
    }
  }
}
