import Cryptography
public import Foundation
import Secrets

/// A delivery whose sender is proven.
public struct VerifiedDelivery: Sendable, Hashable {
  /// The sender's id for it, the same on every retry; without one the SHA-256 of the body. Key of the replay table.
  public let id: String
  /// SHA-256 (hex) of the body: where the id is not signed, the body must be new too.
  public let bodyDigest: String
  /// True when the signature covers ``id``.
  public let isIDSigned: Bool

  init(id: String?, isIDSigned: Bool, body: [UInt8]) {
    self.init(id: id, isIDSigned: isIDSigned, digest: Hex.text(SHA256.hash(data: body)))
  }

  init(id: String?, isIDSigned: Bool, digest: String) {
    bodyDigest = digest
    self.id = id ?? digest
    self.isIDSigned = id == nil || isIDSigned
  }
}

/// Proves who sent a delivery, from its raw bytes, before anything parses them.
public protocol WebhookVerifier: Sendable {
  /// - Parameters:
  ///   - body: exactly as received.
  ///   - now: for senders that sign a time.
  func verify(_ headers: WebhookHeaders, body: [UInt8], now: Date) throws(SignatureError) -> VerifiedDelivery
}

/// Checks shared by the verifiers.
enum SignatureCheck {
  /// How far a signed time may be from now.
  static let window: TimeInterval = 300

  /// Keys in use: at least one, none empty.
  static func keys(_ keys: [Secret]) throws(SignatureError) -> [Secret] {
    guard !keys.isEmpty, !keys.contains(where: \.isEmpty) else {
      throw SignatureError(.noKey, "a key of this route is missing or empty")
    }
    return keys
  }

  /// Seconds since 1970 as senders write them: decimal digits only.
  static func instant(_ text: String, now: Date) throws(SignatureError) {
    guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let seconds = Double(text)
    else { throw SignatureError(.malformed, "the timestamp is not a decimal number of seconds") }
    guard abs(now.timeIntervalSince1970 - seconds) <= window else {
      throw SignatureError(.expired, "the timestamp is more than \(Int(window)) s away from now")
    }
  }

  /// True when any key made any of `codes` over `message`. Every pair is tried in constant time.
  static func isAuthentic(_ codes: [[UInt8]], message: [UInt8], keys: [SymmetricKey]) -> Bool {
    var found = false
    for key in keys {
      for code in codes {
        let isValid = HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message, using: key)
        found = isValid || found
      }
    }
    return found
  }

  /// Base64 as senders write it: of both alphabets, with or without padding. Nil when it is none.
  static func base64(_ text: [UInt8]) -> Data? {
    var plain = text.map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "-"): UInt8(ascii: "+")
      case UInt8(ascii: "_"): UInt8(ascii: "/")
      default: byte
      }
    }
    if !plain.contains(UInt8(ascii: "=")) {
      plain += [UInt8](repeating: UInt8(ascii: "="), count: (4 - plain.count % 4) % 4)
    }
    defer { for index in plain.indices { plain[index] = 0 } }
    return Data(base64Encoded: Data(plain))
  }

  /// The bytes of 64 hexadecimal digits after `prefix`.
  static func digest(_ text: some StringProtocol, prefix: String) throws(SignatureError) -> [UInt8] {
    guard text.hasPrefix(prefix), let bytes = Hex.bytes(text.dropFirst(prefix.count)), bytes.count == 32
    else {
      throw SignatureError(.malformed, "the signature is not \(prefix) and 64 hexadecimal digits")
    }
    return bytes
  }

  static let mismatch = SignatureError(.mismatch, "no key of this route made the signature")
}

extension SymmetricKey {
  init(_ secret: Secret) { self = unsafe secret.withUnsafeBytes { unsafe SymmetricKey(data: $0) } }
}
