import Cryptography
import Foundation

/// The public half of an SSH key: what stands in authorized_keys.
///
/// Two spellings of one key are one key, as sshd compares them: it strips leading zero bytes of an RSA key's numbers and takes
/// other names for a type, so a line whose base64 differs may still open the account.
/// Sources: RFC 4253 §6.6, OpenSSH PROTOCOL and sshkey.c (`sshkey_from_blob`, `sshkey_type_from_name`,
/// `sshbuf_get_bignum2`).
struct SSHPublicKey: Hashable, Sendable {
  /// By its one name: `ssh-ed25519`.
  let type: String
  /// In its one spelling.
  let blob: [UInt8]

  /// Nil: it is no public key in the wire's form.
  init?(blob: [UInt8]) {
    var reader = SSHWire(blob[...])
    guard let name = reader.text(), let written = String(validating: name, as: UTF8.self),
      !written.isEmpty, written.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    else { return nil }
    let type = Self.type(named: written)
    var parts: [[UInt8]] = [Array(type.utf8)]
    let isOfNumbers = type == "ssh-rsa" || type == "ssh-dss"
    while !reader.isAtEnd {
      guard let part = reader.text() else { return nil }
      guard isOfNumbers else {
        parts.append(Array(part))
        continue
      }
      let digits = Array(part.drop { $0 == 0 })
      parts.append(digits.first.map { $0 >= 0x80 } == true ? [0] + digits : digits)
    }
    guard parts.count > 1 else { return nil }
    self.type = type
    self.blob = parts.flatMap(SSHWire.text)
  }

  /// What OpenSSH calls a type besides its own name: short names in any case, and those of signatures.
  private static let types = [
    "rsa": "ssh-rsa", "rsa-sha2-256": "ssh-rsa", "rsa-sha2-512": "ssh-rsa", "dsa": "ssh-dss",
    "ed25519": "ssh-ed25519", "ed25519-sk": "sk-ssh-ed25519@openssh.com",
    "ecdsa-sk": "sk-ecdsa-sha2-nistp256@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com": "sk-ecdsa-sha2-nistp256@openssh.com",
    "xmss": "ssh-xmss@openssh.com",
  ]

  /// The one name of a type; `name` itself for a type that we do not know.
  static func type(named name: String) -> String { types[name.lowercased()] ?? name }

  /// `TYPE BASE64 …`, as `ssh-keygen -y` prints it.
  init?(line: String) {
    let words = line.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, let data = Data(base64Encoded: String(words[1])),
      let key = SSHPublicKey(blob: Array(data)), key.type == words[0]
    else { return nil }
    self = key
  }

  var base64: String { Data(blob).base64EncodedString() }
  /// `TYPE BASE64`.
  var line: String { "\(type) \(base64)" }
  /// As `ssh-keygen -l` and sshd's log write it.
  var fingerprint: String {
    "SHA256:" + Data(SHA256.hash(data: blob)).base64EncodedString().prefix { $0 != "=" }
  }
}

/// Texts with their length before them (RFC 4251 §5).
struct SSHWire {
  private var rest: ArraySlice<UInt8>
  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }
  var isAtEnd: Bool { rest.isEmpty }

  mutating func number() -> Int? {
    guard rest.count >= 4 else { return nil }
    defer { rest = rest.dropFirst(4) }
    return rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
  }

  mutating func text() -> ArraySlice<UInt8>? {
    guard let count = number(), count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  static func number(_ value: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  static func text(_ bytes: [UInt8]) -> [UInt8] { number(bytes.count) + bytes }
}
