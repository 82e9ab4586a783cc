import Cryptography
import Foundation
import Testing

@Suite struct HashTests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
  ])
  func `SHA-256 gives FIPS 180-4's digests`(text: String, digest: String) {
    #expect(SHA256.hash(data: Array(text.utf8)) == bytes(digest))
  }

  @Test func `SHA-1 gives FIPS 180-4's digest`() {
    #expect(Insecure.SHA1.hash(data: Array("abc".utf8)) == bytes("a9993e364706816aba3e25717850c26c9cd0d89d"))
  }

  @Test func `a copied hash goes its own way`() {
    var first = SHA256()
    first.update(data: Array("ab".utf8))
    var second = first
    first.update(data: Array("c".utf8))
    second.update(data: Data("d".utf8))
    #expect(first.finalize() == SHA256.hash(data: Array("abc".utf8)))
    #expect(second.finalize() == SHA256.hash(data: Array("abd".utf8)))
    // A digest does not end the hash.
    second.update(data: Array("e".utf8))
    #expect(second.finalize() == SHA256.hash(data: Array("abde".utf8)))
  }

  /// RFC 4231, test cases 1, 2 and 6 (a key longer than the block).
  @Test(arguments: [
    (
      [UInt8](repeating: 0x0b, count: 20), "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
  ])
  func `HMAC gives RFC 4231's codes, and only they are valid`(key: [UInt8], text: String, code: String) {
    let key = SymmetricKey(data: key)
    let message = Array(text.utf8)
    let expected = bytes(code)
    #expect(HMAC<SHA256>.authenticationCode(for: message, using: key) == expected)
    var pieces = HMAC<SHA256>(key: key)
    for byte in message { pieces.update(data: [byte]) }
    #expect(pieces.finalize() == expected)
    #expect(HMAC<SHA256>.isValidAuthenticationCode(expected, authenticating: message, using: key))
    for wrong in [[], Array(expected.dropLast()), expected + [0], expected.map { $0 ^ 1 }] {
      #expect(!HMAC<SHA256>.isValidAuthenticationCode(wrong, authenticating: message, using: key))
    }
  }

  /// RFC 7914 §12: N = 1024, r = 8, p = 16.
  @Test func `scrypt gives RFC 7914's key, and refuses what it cannot do`() throws {
    let key = try Scrypt.deriveKey(
      from: Array("password".utf8), salt: Array("NaCl".utf8), outputByteCount: 64, rounds: 1024, blockSize: 8,
      parallelism: 16)
    let expected = bytes(
      """
      fd ba be 1c 9d 34 72 00 78 56 e7 19 0d 01 e9 fe 7c 6a d7 cb c8 23 78 30 e7 73 76 63 4b 37 31 62
      2e af 30 d9 2e 22 a3 88 6f f1 09 27 9d 98 30 da c7 27 af b9 4a 83 ee 6d 83 60 cb df a2 cc 06 40
      """)
    #expect(key.withUnsafeBytes { Array($0) } == expected)
    for rounds in [0, 1, 1000, 1 << 40] {
      #expect(throws: CryptographyError.parameter) {
        _ = try Scrypt.deriveKey(
          from: Array("p".utf8), salt: [0], outputByteCount: 32, rounds: rounds, blockSize: 8, parallelism: 1)
      }
    }
  }
}
