import COpenSSL
public import Foundation

public enum AES {
  /// AES-GCM (NIST SP 800-38D) with keys of 128 or 256 bits, nonces of 96 and tags of 128.
  public enum GCM {
    static let tagSize = 16

    /// 12 bytes that must never be used twice under one key.
    public struct Nonce: Sendable, Sequence {
      static let size = 12
      let bytes: [UInt8]

      /// Random.
      public init() { bytes = SymmetricKey(size: .bits128).withUnsafeBytes { Array($0.prefix(Self.size)) } }

      /// - Throws: `.parameter` when `data` is not 12 bytes.
      public init(data: some DataProtocol) throws(CryptographyError) {
        guard data.count == Self.size else { throw .parameter }
        bytes = Array(data)
      }

      public func makeIterator() -> IndexingIterator<[UInt8]> { bytes.makeIterator() }
    }

    /// What `seal` makes and `open` takes.
    public struct SealedBox: Sendable {
      public let nonce: Nonce
      public let ciphertext: Data
      public let tag: Data

      /// - Throws: `.parameter` when the tag is not 16 bytes.
      public init(nonce: Nonce, ciphertext: some DataProtocol, tag: some DataProtocol)
        throws(CryptographyError)
      {
        guard tag.count == tagSize else { throw .parameter }
        self.nonce = nonce
        self.ciphertext = Data(ciphertext)
        self.tag = Data(tag)
      }

      /// - Parameter combined: nonce, ciphertext and tag in that order.
      /// - Throws: `.parameter` when it is shorter than nonce and tag.
      public init(combined: some DataProtocol) throws(CryptographyError) {
        let bytes = Data(combined)
        guard bytes.count >= Nonce.size + tagSize else { throw .parameter }
        try self.init(
          nonce: Nonce(data: bytes.prefix(Nonce.size)),
          ciphertext: bytes.dropFirst(Nonce.size).dropLast(tagSize), tag: bytes.suffix(tagSize))
      }

      /// Nonce, ciphertext and tag.
      public var combined: Data { Data(nonce.bytes) + ciphertext + tag }
    }

    /// - Parameters:
    ///   - nonce: a random one unless given.
    ///   - context: authenticated, not encrypted; the same bytes must be given to open.
    /// - Throws: `.parameter` for a key of another length.
    public static func seal(
      _ message: some DataProtocol, using key: SymmetricKey, nonce: Nonce = Nonce(),
      authenticating context: some DataProtocol
    ) throws(CryptographyError) -> SealedBox {
      let cipher = try Cipher(key, nonce, encrypts: true)
      try cipher.authenticate(context)
      let ciphertext = try cipher.run(message)
      try cipher.finish(.library)
      return try SealedBox(nonce: nonce, ciphertext: ciphertext, tag: cipher.tag())
    }

    /// - Throws: `.authentication` when key, nonce, context or bytes are not those that were sealed; no byte comes out then.
    public static func open(
      _ box: SealedBox, using key: SymmetricKey, authenticating context: some DataProtocol
    ) throws(CryptographyError) -> Data {
      let cipher = try Cipher(key, box.nonce, encrypts: false)
      try cipher.authenticate(context)
      var message = try cipher.run(box.ciphertext)
      do throws(CryptographyError) {
        try cipher.expect(box.tag)
        try cipher.finish(.authentication)
      } catch {
        message.resetBytes(in: message.indices)
        throw error
      }
      return message
    }
  }
}

/// One use of an `EVP_CIPHER_CTX` with AES-GCM.
private final class Cipher {
  private let context: OpaquePointer

  init(_ key: SymmetricKey, _ nonce: AES.GCM.Nonce, encrypts: Bool) throws(CryptographyError) {
    guard let context = EVP_CIPHER_CTX_new() else { throw .library }
    self.context = context
    let cipher: OpaquePointer?
    switch key.bitCount {
    case 128: cipher = EVP_aes_128_gcm()
    case 256: cipher = EVP_aes_256_gcm()
    default: throw .parameter
    }
    let result = key.withUnsafeBytes {
      EVP_CipherInit_ex(context, cipher, nil, $0.octets, nonce.bytes, encrypts ? 1 : 0)
    }
    try check(result)
  }

  deinit { EVP_CIPHER_CTX_free(context) }

  func authenticate(_ bytes: some DataProtocol) throws(CryptographyError) {
    let result = bytes.withContiguousBytes { bytes -> Int32 in
      guard let count = Int32(exactly: bytes.count) else { return 0 }
      var written: Int32 = 0
      return EVP_CipherUpdate(context, nil, &written, bytes.octets, count)
    }
    try check(result, .parameter)
  }

  func run(_ bytes: some DataProtocol) throws(CryptographyError) -> Data {
    var output = Data(count: bytes.count)
    let result = output.withUnsafeMutableBytes { output in
      bytes.withContiguousBytes { bytes -> Int32 in
        // GCM takes a message piece by piece, and libcrypto counts in 32 bits.
        var done = 0
        while done < bytes.count {
          let count = min(bytes.count - done, 1 << 30)
          var written: Int32 = 0
          let target = output.baseAddress?.advanced(by: done).assumingMemoryBound(to: UInt8.self)
          guard
            EVP_CipherUpdate(context, target, &written, bytes.octets?.advanced(by: done), Int32(count)) == 1
          else {
            return 0
          }
          done += count
        }
        return 1
      }
    }
    try check(result)
    return output
  }

  func finish(_ error: CryptographyError) throws(CryptographyError) {
    var none = [UInt8](repeating: 0, count: 16)
    var written: Int32 = 0
    try check(EVP_CipherFinal_ex(context, &none, &written), error)
  }

  func tag() throws(CryptographyError) -> [UInt8] {
    var tag = [UInt8](repeating: 0, count: AES.GCM.tagSize)
    try check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), &tag))
    return tag
  }

  func expect(_ tag: Data) throws(CryptographyError) {
    var tag = Array(tag)
    try check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag))
  }
}
