public import Foundation

/// Hybrid public key encryption (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-GCM.
///
/// libcrypto has it from 3.2 on and Debian 12 has 3.0, so its few lines stand here, over libcrypto's X25519, SHA-256 and
/// AES-GCM; the RFC's own vectors are its tests.
public enum HPKE {
  /// The AEAD's key length: the one choice left. The raw value is its id (RFC 9180 §7.3).
  public enum AEAD: UInt16, Sendable {
    case aes128GCM = 1
    case aes256GCM = 2
  }

  /// Seals to a public key. What it sealed it cannot open.
  public struct Sender {
    /// Travels beside the boxes; 32 bytes.
    public let encapsulatedKey: Data
    private var context: Context

    /// - Parameter info: both sides' name for the purpose.
    /// - Throws: `.parameter` when the recipient's key is a point of small order.
    public init(to recipient: Curve25519.KeyAgreement.PublicKey, aead: AEAD, info: Data)
      throws(CryptographyError)
    {
      try self.init(to: recipient, aead: aead, info: info, ephemeral: Curve25519.KeyAgreement.PrivateKey())
    }

    /// With a given ephemeral key, for the RFC's vectors.
    init(
      to recipient: Curve25519.KeyAgreement.PublicKey, aead: AEAD, info: Data,
      ephemeral: Curve25519.KeyAgreement.PrivateKey
    ) throws(CryptographyError) {
      encapsulatedKey = ephemeral.publicKey.rawRepresentation
      context = Context(
        agreed: try ephemeral.sharedSecret(with: recipient),
        between: encapsulatedKey + recipient.rawRepresentation, aead: aead, info: info)
    }

    /// The next box: ciphertext and tag. Boxes open in the order in which they were sealed.
    public mutating func seal(_ message: some DataProtocol, authenticating: some DataProtocol)
      throws(CryptographyError) -> Data
    {
      let box = try AES.GCM.seal(
        message, using: context.key, nonce: context.nextNonce(), authenticating: authenticating)
      return box.ciphertext + box.tag
    }

    /// A key that both sides derive (RFC 9180 §5.3).
    public func exportSecret(context name: [UInt8], outputByteCount: Int) -> SymmetricKey {
      context.export(name, count: outputByteCount)
    }
  }

  /// Opens what a ``Sender`` sealed.
  public struct Recipient {
    private var context: Context

    /// - Throws: `.parameter` when the encapsulated key is not 32 bytes, or a point of small order.
    public init(
      _ key: Curve25519.KeyAgreement.PrivateKey, aead: AEAD, info: Data, encapsulatedKey: Data
    ) throws(CryptographyError) {
      let ephemeral = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: encapsulatedKey)
      context = Context(
        agreed: try key.sharedSecret(with: ephemeral),
        between: encapsulatedKey + key.publicKey.rawRepresentation, aead: aead, info: info)
    }

    /// - Throws: `.authentication` when key, order, context or bytes are not those that were sealed.
    public mutating func open(_ box: some DataProtocol, authenticating: some DataProtocol)
      throws(CryptographyError) -> Data
    {
      guard box.count >= AES.GCM.tagSize else { throw .parameter }
      let bytes = Data(box)
      let sealed = try AES.GCM.SealedBox(
        nonce: context.nonce(), ciphertext: bytes.dropLast(AES.GCM.tagSize),
        tag: bytes.suffix(AES.GCM.tagSize))
      let message = try AES.GCM.open(sealed, using: context.key, authenticating: authenticating)
      context.advance()
      return message
    }

    /// The same key as the sender's.
    public func exportSecret(context name: [UInt8], outputByteCount: Int) -> SymmetricKey {
      context.export(name, count: outputByteCount)
    }
  }

  /// What both sides derive (RFC 9180 §5.1, §5.2).
  private struct Context {
    let key: SymmetricKey
    private let baseNonce: [UInt8]
    private let exporter: SymmetricKey
    private let labels: Labels
    private var sequence: UInt64 = 0

    init(agreed: SymmetricKey, between keys: Data, aead: AEAD, info: Data) {
      let kem = Labels("KEM", [0x0020])
      let shared = kem.expand(
        kem.extract(salt: [], "eae_prk", agreed), "shared_secret", Array(keys), count: 32)
      labels = Labels("HPKE", [0x0020, 0x0001, aead.rawValue])
      let none = SymmetricKey(data: [])
      let schedule =
        [0] + labels.extract(salt: [], "psk_id_hash", none).bytes
        + labels.extract(salt: [], "info_hash", SymmetricKey(data: info)).bytes
      let secret = labels.extract(salt: shared.bytes, "secret", none)
      key = labels.expand(secret, "key", schedule, count: aead == .aes128GCM ? 16 : 32)
      baseNonce = labels.expand(secret, "base_nonce", schedule, count: AES.GCM.Nonce.size).bytes
      exporter = labels.expand(secret, "exp", schedule, count: 32)
    }

    /// The base nonce exclusive-or the message's number.
    func nonce() throws(CryptographyError) -> AES.GCM.Nonce {
      var bytes = baseNonce
      for index in 0..<8 { bytes[11 - index] ^= UInt8(truncatingIfNeeded: sequence >> (8 * UInt64(index))) }
      return try AES.GCM.Nonce(data: bytes)
    }

    mutating func nextNonce() throws(CryptographyError) -> AES.GCM.Nonce {
      defer { advance() }
      return try nonce()
    }

    // 2^64 messages: never reached, and the addition would trap rather than use a nonce twice.
    mutating func advance() { sequence += 1 }

    func export(_ name: [UInt8], count: Int) -> SymmetricKey {
      labels.expand(exporter, "sec", name, count: count)
    }
  }

  /// HKDF (RFC 5869) with HPKE's labels (RFC 9180 §4).
  private struct Labels {
    private let suite: [UInt8]

    init(_ name: String, _ ids: [UInt16]) {
      suite = Array(name.utf8) + ids.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }

    func extract(salt: [UInt8], _ label: String, _ input: SymmetricKey) -> SymmetricKey {
      var code = HMAC<SHA256>(key: SymmetricKey(data: salt))
      code.update(data: Array("HPKE-v1".utf8) + suite + Array(label.utf8))
      input.withUnsafeBytes { code.update(data: $0) }
      return SymmetricKey(data: code.finalize())
    }

    func expand(_ key: SymmetricKey, _ label: String, _ info: [UInt8], count: Int) -> SymmetricKey {
      let labelled =
        [UInt8(count >> 8), UInt8(count & 0xFF)] + Array("HPKE-v1".utf8) + suite + Array(label.utf8) + info
      var output: [UInt8] = []
      var block: [UInt8] = []
      var number: UInt8 = 1
      while output.count < count {
        block = HMAC<SHA256>.authenticationCode(for: block + labelled + [number], using: key)
        output += block
        number += 1
      }
      return SymmetricKey(data: output.prefix(count))
    }
  }
}

extension SymmetricKey {
  fileprivate var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}
