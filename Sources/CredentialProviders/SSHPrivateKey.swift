import Cryptography
import Foundation
import Secrets

/// The private half of an SSH key, as text.
///
/// Source: OpenSSH PROTOCOL.key.
enum SSHPrivateKey {
  private static let magic = Array("openssh-key-v1\0".utf8)
  private static let head = "-----BEGIN OPENSSH PRIVATE KEY-----"
  private static let tail = "-----END OPENSSH PRIVATE KEY-----"

  /// A new Ed25519 key without a passphrase. - Parameter random: 36 bytes: the seed, and the two equal numbers.
  static func ed25519(_ random: [UInt8], comment: String) throws(CryptographyError) -> Secret {
    let seed = Array(random.prefix(32))
    let check = Array(random.dropFirst(32).prefix(4))
    let key = try Curve25519.Signing.PrivateKey(rawRepresentation: Data(seed))
    let half = Array(key.publicKey.rawRepresentation)
    let type = SSHWire.text(Array("ssh-ed25519".utf8))
    let none = SSHWire.text(Array("none".utf8))
    var inner = check + check + type + SSHWire.text(half) + SSHWire.text(seed + half)
    inner += SSHWire.text(Array(comment.utf8))
    for pad in UInt8(1)...8 where !inner.count.isMultiple(of: 8) { inner.append(pad) }
    let whole =
      magic + none + none + SSHWire.text([]) + SSHWire.number(1) + SSHWire.text(type + SSHWire.text(half))
      + SSHWire.text(inner)
    return armoured(whole)
  }

  private static func armoured(_ bytes: [UInt8]) -> Secret {
    let body = Array(Data(bytes).base64EncodedString().utf8)
    var text = Array((head + "\n").utf8)
    for start in stride(from: 0, to: body.count, by: 70) {
      text += body[start..<min(start + 70, body.count)] + [0x0A]
    }
    return Secret(SecretBytes(copying: text + Array((tail + "\n").utf8)))
  }

  /// As programs read it: line breaks that are lost or written as `\n`, and the last one, which OpenSSH insists on.
  /// Nil: it is no private key.
  static func readable(_ secret: Secret) -> Secret? {
    let text = secret.exposeAsText().replacing("\\r", with: "").replacing("\\n", with: "\n")
      .trimmingCharacters(in: .whitespacesAndNewlines)
    guard text.hasPrefix("-----BEGIN "), text.contains("PRIVATE KEY-----") else { return nil }
    guard text.hasPrefix(head), let end = text.range(of: tail) else { return Secret(text + "\n") }
    let body = text[text.index(text.startIndex, offsetBy: head.count)..<end.lowerBound]
    guard let bytes = Data(base64Encoded: String(body.filter { !$0.isWhitespace })) else { return nil }
    return armoured(Array(bytes))
  }

  /// Its public half, which OpenSSH's own form holds in the clear, also where a passphrase locks the other. Nil: it is
  /// another form, a type that OpenSSH's program must judge, or not the half of this key: whoever may write into a repository
  /// could else have somebody's key taken out, whose public half everybody knows.
  static func publicHalf(ofOpenSSH secret: Secret) -> SSHPublicKey? {
    let text = secret.exposeAsText()
    guard text.hasPrefix(head), let end = text.range(of: tail) else { return nil }
    let body = text[text.index(text.startIndex, offsetBy: head.count)..<end.lowerBound]
    guard let data = Data(base64Encoded: String(body.filter { !$0.isWhitespace })) else { return nil }
    let bytes = Array(data)
    guard bytes.starts(with: magic) else { return nil }
    var reader = SSHWire(bytes[magic.count...])
    guard let cipher = reader.text(), reader.text() != nil, reader.text() != nil,  // and kdf, its options
      reader.number() == 1, let blob = reader.text(), let locked = reader.text()
    else { return nil }
    if Array(cipher) == Array("none".utf8), half(of: locked) != Array(blob) { return nil }
    return SSHPublicKey(blob: Array(blob))
  }

  /// The public half of an Ed25519 key, made of its seed.
  private static func half(of inner: ArraySlice<UInt8>) -> [UInt8]? {
    var reader = SSHWire(inner)
    guard reader.number() != nil, reader.number() != nil, let type = reader.text(),
      Array(type) == Array("ssh-ed25519".utf8), reader.text() != nil, let pair = reader.text(),
      pair.count == 64
    else { return nil }
    do throws(CryptographyError) {
      let key = try Curve25519.Signing.PrivateKey(rawRepresentation: Data(pair.prefix(32)))
      return SSHWire.text(Array(type)) + SSHWire.text(Array(key.publicKey.rawRepresentation))
    } catch { return nil }
  }
}
