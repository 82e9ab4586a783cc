@testable import Cryptography
import Foundation
import JSON
import Testing

@Suite struct SealTests {
  @Test func `AES-GCM seals and opens Wycheproof's vectors, and refuses the altered ones`() throws {
    var refused = 0
    for vector in try Vectors()["aes_gcm"] {
      let key = SymmetricKey(data: vector.bytes("key"))
      let nonce = try AES.GCM.Nonce(data: vector.bytes("iv"))
      let context = vector.bytes("aad")
      let box = try AES.GCM.SealedBox(nonce: nonce, ciphertext: vector.bytes("ct"), tag: vector.bytes("tag"))
      guard vector["result"]?.string != "invalid" else {
        refused += 1
        #expect(throws: CryptographyError.authentication) {
          _ = try AES.GCM.open(box, using: key, authenticating: context)
        }
        continue
      }
      #expect(try Array(AES.GCM.open(box, using: key, authenticating: context)) == vector.bytes("msg"))
      let made = try AES.GCM.seal(vector.bytes("msg"), using: key, nonce: nonce, authenticating: context)
      #expect(made.combined == box.combined)
    }
    #expect(refused > 8)
  }

  @Test func `a box does not open with another key, nonce, context or byte, nor when it is too short`() throws
  {
    let key = SymmetricKey(size: .bits256)
    let context = Array("run/step".utf8)
    let box = try AES.GCM.seal(Array("a secret".utf8), using: key, authenticating: context)
    let combined = box.combined
    #expect(combined.count == 12 + 8 + 16)
    let read = try AES.GCM.SealedBox(combined: combined)
    #expect(try AES.GCM.open(read, using: key, authenticating: context) == Data("a secret".utf8))
    for index in combined.indices {
      var changed = combined
      changed[index] ^= 1
      #expect(throws: CryptographyError.authentication) {
        _ = try AES.GCM.open(AES.GCM.SealedBox(combined: changed), using: key, authenticating: context)
      }
    }
    #expect(throws: CryptographyError.authentication) {
      _ = try AES.GCM.open(box, using: SymmetricKey(size: .bits256), authenticating: context)
    }
    #expect(throws: CryptographyError.authentication) {
      _ = try AES.GCM.open(box, using: key, authenticating: Array("run/other".utf8))
    }
    #expect(throws: CryptographyError.parameter) { _ = try AES.GCM.SealedBox(combined: combined.prefix(27)) }
    #expect(throws: CryptographyError.parameter) {
      _ = try AES.GCM.seal([1], using: SymmetricKey(data: [1, 2, 3]), authenticating: context)
    }
  }

  @Test func `HPKE gives RFC 9180's boxes and exported keys, both ways`() throws {
    let vectors = try Vectors()["hpke"]
    #expect(vectors.count == 2)
    for vector in vectors {
      let aead: HPKE.AEAD = vector["aead_id"]?.integer == 1 ? .aes128GCM : .aes256GCM
      let ours = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: vector.bytes("skRm"))
      #expect(Array(ours.publicKey.rawRepresentation) == vector.bytes("pkRm"))
      let info = Data(vector.bytes("info"))
      var sender = try HPKE.Sender(
        to: ours.publicKey, aead: aead, info: info,
        ephemeral: Curve25519.KeyAgreement.PrivateKey(rawRepresentation: vector.bytes("skEm")))
      #expect(Array(sender.encapsulatedKey) == vector.bytes("enc"))
      var recipient = try HPKE.Recipient(
        ours, aead: aead, info: info, encapsulatedKey: sender.encapsulatedKey)
      for message in vector["encryptions"]?.array ?? [] {
        let box = try sender.seal(message.bytes("pt"), authenticating: message.bytes("aad"))
        #expect(Array(box) == message.bytes("ct"))
        #expect(try Array(recipient.open(box, authenticating: message.bytes("aad"))) == message.bytes("pt"))
      }
      for export in vector["exports"]?.array ?? [] {
        let name = export.bytes("exporter_context")
        for key in [
          sender.exportSecret(context: name, outputByteCount: 32),
          recipient.exportSecret(context: name, outputByteCount: 32),
        ] { #expect(key.withUnsafeBytes { Array($0) } == export.bytes("exported_value")) }
      }
    }
  }

  @Test func `a box of HPKE opens once, in its order, for its recipient`() throws {
    let ours = Curve25519.KeyAgreement.PrivateKey()
    let info = Data("purpose".utf8)
    var sender = try HPKE.Sender(to: ours.publicKey, aead: .aes256GCM, info: info)
    let first = try sender.seal([1], authenticating: [0])
    let second = try sender.seal([2], authenticating: [0])
    func recipient(_ key: Curve25519.KeyAgreement.PrivateKey = ours, info: Data = info) throws
      -> HPKE.Recipient
    {
      try HPKE.Recipient(key, aead: .aes256GCM, info: info, encapsulatedKey: sender.encapsulatedKey)
    }
    var strangers = [
      try recipient(Curve25519.KeyAgreement.PrivateKey()), try recipient(info: Data("other".utf8)),
    ]
    for index in strangers.indices {
      #expect(throws: CryptographyError.authentication) {
        _ = try strangers[index].open(first, authenticating: [0])
      }
    }
    var reader = try recipient()
    #expect(throws: CryptographyError.authentication) { _ = try reader.open(second, authenticating: [0]) }
    // What was refused did not move the reader on.
    #expect(try reader.open(first, authenticating: [0]) == Data([1]))
    #expect(throws: CryptographyError.authentication) { _ = try reader.open(first, authenticating: [0]) }
    #expect(try reader.open(second, authenticating: [0]) == Data([2]))
    #expect(throws: CryptographyError.parameter) { _ = try reader.open([1, 2, 3], authenticating: [0]) }
  }

  @Test func `X25519 agrees as Wycheproof says, and refuses points of small order`() throws {
    var refused = 0
    for vector in try Vectors()["x25519"] {
      let ours = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: vector.bytes("private"))
      let theirs = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: vector.bytes("public"))
      if vector.bytes("shared").allSatisfy({ $0 == 0 }) {
        refused += 1
        #expect(throws: CryptographyError.parameter) { _ = try ours.sharedSecret(with: theirs) }
      } else {
        #expect(try ours.sharedSecret(with: theirs).withUnsafeBytes { Array($0) } == vector.bytes("shared"))
      }
    }
    #expect(refused > 3)
  }
}
