import Cryptography
import Foundation
import Secrets
import Synchronization

/// Whether a salted verifier of MySQL's is that of a password: the salt stands in it.
///
/// Only a match is certain. That no MySQL was run here leaves open whether some server salts otherwise, so a verifier that
/// does not match says nothing, unless another password was seen to be its own.
///
/// `caching_sha2_password` keeps `$A$`, thousands of rounds as three hexadecimal digits, `$`, 20 bytes of salt and 43 digits;
/// `sha256_password` keeps `$5$`, the salt, `$` and the digits, of 5000 rounds. Both are SHA-256 crypt with a longer salt.
/// Sources: https://www.akkadia.org/drepper/SHA-crypt.txt, https://dev.mysql.com/doc/refman/8.4/en/caching-sha2-pluggable-authentication.html,
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html
enum MySQLVerifier {
  private static let saltCount = 20
  private static let digitCount = 43
  /// A server's own number is 5 at first. With 4095 of them one comparison would take seconds.
  private static let mostThousands = 100

  /// A verdict asks the same of a row again and again: what came out, by a hash of both.
  private static let known = Mutex<[[UInt8]: Bool]>([:])
  private static let mostKnown = 256

  /// - Parameter text: as `SHOW CREATE USER` has it, with `print_identified_with_as_hex`.
  static func isOf(_ secret: Secret, _ text: String) -> Bool {
    let key = SHA256.hash(data: Array(text.utf8) + [0] + secret.exposeAsBytes())
    if let found = known.withLock({ $0[key] }) { return found }
    let result = isComputed(of: secret, text)
    known.withLock { known in
      if known.count >= mostKnown { known = [:] }
      known[key] = result
    }
    return result
  }

  private static func isComputed(of secret: Secret, _ text: String) -> Bool {
    let bytes: [UInt8]
    if text.hasPrefix("0x") {
      guard let found = Hex.bytes(text.dropFirst(2)) else { return false }
      bytes = found
    } else {
      bytes = Array(text.utf8)
    }
    let head = String(decoding: bytes.prefix(3), as: UTF8.self)
    var rest = bytes.dropFirst(3)
    var thousands = 5
    switch head {
    case "$A$":
      guard let number = Int(String(decoding: rest.prefix(3), as: UTF8.self), radix: 16),
        (1...mostThousands).contains(number), rest.dropFirst(3).first == UInt8(ascii: "$")
      else { return false }
      thousands = number
      rest = rest.dropFirst(4)
      guard rest.count == saltCount + digitCount else { return false }
    case "$5$":
      guard rest.count == saltCount + 1 + digitCount,
        rest.dropFirst(saltCount).first == UInt8(ascii: "$")
      else { return false }
    default: return false
    }
    return digits(of: secret, salt: Array(rest.prefix(saltCount)), rounds: thousands * 1000)
      == String(decoding: rest.suffix(digitCount), as: UTF8.self)
  }

  /// The last part of a verifier. The letters are those of the description's steps.
  static func digits(of secret: Secret, salt: [UInt8], rounds: Int) -> String {
    let key = secret.exposeAsBytes()
    let b = SHA256.hash(data: key + salt + key)
    var start = key + salt + repeated(b, key.count)
    var rest = key.count
    while rest > 0 {
      start += rest & 1 == 1 ? b : key
      rest >>= 1
    }
    var digest = SHA256.hash(data: start)
    let keys = [[UInt8]](repeating: key, count: key.count).flatMap { $0 }
    let p = repeated(SHA256.hash(data: keys), key.count)
    let salts = [[UInt8]](repeating: salt, count: 16 + Int(digest[0])).flatMap { $0 }
    let s = repeated(SHA256.hash(data: salts), salt.count)
    for round in 0..<rounds {
      var text = round & 1 == 1 ? p : digest
      if round % 3 != 0 { text += s }
      if round % 7 != 0 { text += p }
      text += round & 1 == 1 ? digest : p
      digest = SHA256.hash(data: text)
    }
    return written(digest)
  }

  private static func repeated(_ digest: [UInt8], _ count: Int) -> [UInt8] {
    (0..<count).map { digest[$0 % digest.count] }
  }

  /// Six bits a character, the lowest first, of three bytes at a time, which are not neighbours.
  private static func written(_ digest: [UInt8]) -> String {
    let characters = Array("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    var text = ""
    func write(_ value: Int, _ count: Int) {
      for place in 0..<count { text.append(characters[value >> (6 * place) & 63]) }
    }
    var (x, y, z) = (0, 10, 20)
    for _ in 0..<10 {
      write(Int(digest[x]) << 16 | Int(digest[y]) << 8 | Int(digest[z]), 4)
      (x, y, z) = (z + 1, x + 1, y + 1)
    }
    write(Int(digest[31]) << 8 | Int(digest[30]), 3)
    return text
  }
}
