import Foundation
import Secrets
import Testing

@Suite struct SecretTests {
  private let secret = Secret("correct horse" + " battery")

  @Test func `it prints as a mark in every way of printing`() {
    var dumped = ""
    dump(secret, to: &dumped)
    for text in [
      "\(secret)", String(reflecting: secret), dumped, "\([secret])", "\(Optional(secret) as Any)",
    ] {
      #expect(text.contains("<secret>"))
      #expect(!text.contains("horse"))
    }
  }

  @Test func `its mirror is empty, because templates read mirrors`() {
    #expect(Mirror(reflecting: secret).children.isEmpty)
  }

  @Test func `fingerprints are equal for equal secrets under one key, and differ under another`() {
    let one = FingerprintKey(SecretBytes(copying: [UInt8](repeating: 1, count: 32)))
    let two = FingerprintKey(SecretBytes(copying: [UInt8](repeating: 2, count: 32)))
    #expect(one.fingerprint(of: secret) == one.fingerprint(of: Secret("correct horse" + " battery")))
    #expect(one.fingerprint(of: secret) != one.fingerprint(of: Secret("correct horse battery ")))
    #expect(one.fingerprint(of: secret) != two.fingerprint(of: secret))
    #expect(one.fingerprint(of: secret).rawValue.wholeMatch(of: /s1:[0-9a-f]{8}:[0-9a-f]{64}/) != nil)
  }

  @Test func `a sealed secret opens with its key and context only`() throws {
    let key = SealingKey(id: "k1")
    let sealed = try key.seal(secret, context: "run-1/step")
    #expect(try key.open(sealed, context: "run-1/step").exposeAsText() == "correct horse battery")
    #expect(throws: (any Error).self) { try key.open(sealed, context: "run-1/other") }
    #expect(throws: (any Error).self) { try SealingKey(id: "k1").open(sealed, context: "run-1/step") }
    #expect(!String(decoding: try JSONEncoder().encode(sealed), as: UTF8.self).contains("horse"))
  }

  @Test func `a wrapped key opens what the original sealed`() throws {
    let outer = SealingKey(id: "operator")
    let key = SealingKey(id: "run-1")
    let sealed = try key.seal(secret, context: "c")
    let again = try SealingKey.unwrap(try key.wrap(under: outer), id: "run-1", under: outer)
    #expect(try again.open(sealed, context: "c").exposeAsText() == "correct horse battery")
    #expect(throws: (any Error).self) {
      try SealingKey.unwrap(try key.wrap(under: outer), id: "run-1", under: SealingKey(id: "operator"))
    }
  }
}
