import Cryptography
import Foundation
import JSON
import Testing
import TestSupport

@Suite struct SignatureTests {
  /// RFC 8032 §7.1, tests 1 to 3.
  @Test(arguments: [
    (
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ),
    (
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ),
    (
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    ),
  ])
  func `Ed25519 signs as RFC 8032 says`(secret: String, key: String, message: String, signature: String)
    throws
  {
    let ours = try Curve25519.Signing.PrivateKey(rawRepresentation: bytes(secret))
    #expect(Array(ours.rawRepresentation) == bytes(secret))
    #expect(Array(ours.publicKey.rawRepresentation) == bytes(key))
    #expect(try Array(ours.signature(for: bytes(message))) == bytes(signature))
    let theirs = try Curve25519.Signing.PublicKey(rawRepresentation: bytes(key))
    #expect(theirs.isValidSignature(bytes(signature), for: bytes(message)))
    #expect(!theirs.isValidSignature(bytes(signature), for: bytes(message + "00")))
    for wrong in [[], Array(bytes(signature).dropLast()), bytes(signature).map { $0 ^ 1 }] {
      #expect(!theirs.isValidSignature(wrong, for: bytes(message)))
    }
  }

  @Test func `a key of another length is refused`() {
    for count in [0, 31, 33] {
      let wrong = [UInt8](repeating: 1, count: count)
      #expect(throws: CryptographyError.parameter) {
        _ = try Curve25519.Signing.PrivateKey(rawRepresentation: wrong)
      }
      #expect(throws: CryptographyError.parameter) {
        _ = try Curve25519.Signing.PublicKey(rawRepresentation: wrong)
      }
      #expect(throws: CryptographyError.parameter) {
        _ = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: wrong)
      }
      #expect(throws: CryptographyError.parameter) {
        _ = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: wrong)
      }
    }
  }

  @Test func `two new keys differ`() {
    #expect(
      Curve25519.Signing.PrivateKey().rawRepresentation != Curve25519.Signing.PrivateKey().rawRepresentation)
  }

  @Test func `ECDSA signatures are judged as Wycheproof says`() throws {
    let vectors = try Vectors().all["ecdsa"]
    let key = try P256.PublicKey(pem: vectors?["pem"]?.string ?? "")
    var valid = 0
    var invalid = 0
    for vector in vectors?["tests"]?.array ?? [] {
      // Not in DER form is an answer of its own.
      let isValid =
        (try? key.isValidSignature(der: vector.bytes("sig"), for: vector.bytes("msg"))) ?? false
      if vector["result"]?.string == "valid" {
        valid += 1
        #expect(isValid)
      } else {
        invalid += 1
        #expect(!isValid, "\(vector.canonicalText)")
      }
    }
    #expect(valid > 0 && invalid > 10)
    #expect(throws: CryptographyError.malformed) { _ = try key.isValidSignature(der: [1, 2, 3], for: [0]) }
  }

  @Test func `a text that is no key of the expected kind is refused`() async throws {
    let rsa = try await Program.run(
      ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], in: "/")
    let p384 = try await Program.run(
      ["openssl", "ecparam", "-name", "secp384r1", "-genkey", "-noout"], in: "/")
    for text in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", rsa, p384] {
      #expect(throws: CryptographyError.malformed) { _ = try P256.PublicKey(pem: text) }
      #expect(throws: CryptographyError.malformed) { _ = try Certificate(pem: text) }
    }
  }

  /// The oracle is the `openssl` program.
  @Test func `RSA signs as openssl does, and a key behind a passphrase is refused without a question`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let pem = try await Program.run(
      ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], in: directory.path)
    try pem.write(toFile: directory.path("key.pem"), atomically: true, encoding: .utf8)
    try "header.claims".write(toFile: directory.path("text"), atomically: true, encoding: .utf8)
    let half = try await Program.run(["openssl", "pkey", "-in", "key.pem", "-pubout"], in: directory.path)
    try await Program.run(
      ["openssl", "dgst", "-sha256", "-sign", "key.pem", "-out", "signature", "text"], in: directory.path)
    let key = try RSA.PrivateKey(pem: Array(pem.utf8))
    let signature = try key.signature(for: Array("header.claims".utf8))
    #expect(try signature == Data(contentsOf: URL(fileURLWithPath: directory.path("signature"))))
    let publicKey = try RSA.PublicKey(pem: half)
    #expect(publicKey.isSame(as: key.publicKey))
    #expect(publicKey.isValidSignature(signature, for: Array("header.claims".utf8), digest: .sha256))
    #expect(!publicKey.isValidSignature(signature, for: Array("header.claim".utf8), digest: .sha256))
    let locked = try await Program.run(
      ["openssl", "pkey", "-in", "key.pem", "-aes256", "-passout", "pass:four"], in: directory.path)
    let short = try await Program.run(
      ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], in: directory.path)
    let curve = try await Program.run(
      ["openssl", "genpkey", "-algorithm", "ED25519"], in: directory.path)
    for text in ["", half, locked, short, curve] {
      #expect(throws: CryptographyError.malformed) { _ = try RSA.PrivateKey(pem: Array(text.utf8)) }
    }
  }
}
