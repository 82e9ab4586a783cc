import Cryptography
import Foundation

/// HPKE (RFC 9180, base mode) with X25519, HKDF-SHA256 and AES-256-GCM.
enum InboxHPKE {
  static let aead = HPKE.AEAD.aes256GCM
  static let info = Data("staunch inbox v1".utf8)
}

/// Seals the bodies of one commit: one key encapsulation, one AES-256-GCM key exported from it (RFC 9180 §5.3), the place in
/// the batch as nonce. The key dies with the commit, so the receiver cannot read back what it stored; and X25519, the dear
/// part, is paid once per commit instead of once per delivery.
struct BatchSeal {
  let encapsulatedKey: Data
  private let key: SymmetricKey
  private var next: UInt32 = 0

  init(to recipient: InboxPublicKey) throws {
    let sender = try HPKE.Sender(to: recipient.key, aead: InboxHPKE.aead, info: InboxHPKE.info)
    encapsulatedKey = sender.encapsulatedKey
    key = sender.exportSecret(context: BatchSeal.context, outputByteCount: 32)
  }

  /// - Parameter context: authenticated: a box does not open beside another delivery's description.
  mutating func seal(_ body: [UInt8], context: Data) throws -> (place: Int, box: Data) {
    let place = next
    next += 1
    let box = try AES.GCM.seal(body, using: key, nonce: BatchSeal.nonce(place), authenticating: context)
    return (Int(place), box.ciphertext + box.tag)
  }

  /// Opens what ``seal(_:context:)`` made.
  static func open(
    _ box: Data, place: Int, encapsulatedKey: Data, context: Data, with key: InboxPrivateKey
  ) throws -> Data {
    let recipient = try HPKE.Recipient(
      key.key, aead: InboxHPKE.aead, info: InboxHPKE.info, encapsulatedKey: encapsulatedKey)
    let symmetric = recipient.exportSecret(context: BatchSeal.context, outputByteCount: 32)
    guard let place = UInt32(exactly: place), box.count >= 16 else {
      throw CryptographyError.parameter
    }
    let sealed = try AES.GCM.SealedBox(
      nonce: nonce(place), ciphertext: box.dropLast(16), tag: box.suffix(16))
    return try AES.GCM.open(sealed, using: symmetric, authenticating: context)
  }

  private static let context = Array("bodies of one commit".utf8)

  private static func nonce(_ place: UInt32) throws -> AES.GCM.Nonce {
    var bytes = [UInt8](repeating: 0, count: 12)
    for index in 0..<4 { bytes[11 - index] = UInt8(truncatingIfNeeded: place >> (8 * UInt32(index))) }
    return try AES.GCM.Nonce(data: bytes)
  }
}
