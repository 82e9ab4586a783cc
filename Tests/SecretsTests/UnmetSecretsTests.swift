import Foundation
import JSON
import Testing

@testable import Secrets

/// Registering a secret is cheap, and hides it all the same.
@Suite struct UnmetSecretsTests {
  private static func random(_ characters: ClosedRange<UInt8>, _ count: ClosedRange<Int>) -> [UInt8] {
    (0..<Int.random(in: count)).map { _ in UInt8.random(in: characters) }
  }

  @Test func `every spelling of a secret meets it, whatever stands around its letters`() {
    for _ in 0..<200 {
      let raw =
        Self.random(0x20...0x7E, 0...12) + Self.random(0x61...0x7A, 6...9) + Self.random(0x20...0x7E, 0...12)
      var unmet = UnmetSecrets()
      let waits = unmet.add(Secret(SecretBytes(copying: raw)))
      #expect(waits)
      for entry in SecretForms.entries(of: raw) {
        var copy = unmet
        let text = Self.random(0...255, 0...7) + entry.bytes + Self.random(0...255, 0...7)
        let met = copy.take(metIn: text)
        #expect(met.count == 1, "\(entry.form): \(String(decoding: raw, as: UTF8.self))")
      }
    }
  }

  @Test func `a secret is spelled when a text may hold it, and not before`() {
    let redactor = Redactor()
    let values = (0..<500).map { "sk-" + "proj-k3yNumber\($0 + 100_000)" }
    for value in values { redactor.register(Secret(value)) }
    #expect(redactor.unmetCount == 500)
    #expect(redactor.redact("nothing of them, only sk-proj-") == "nothing of them, only sk-proj-")
    #expect(redactor.unmetCount == 500)
    let hidden = Data(values[7].utf8).base64EncodedString()
    #expect(redactor.redact("a \(hidden) b, \(values[3])").contains(Redactor.mark))
    #expect(!redactor.redact("a \(hidden) b, \(values[3])").contains(values[3]))
    // In base64 the last letters of some look alike: they are met in vain.
    #expect((450...498).contains(redactor.unmetCount))
  }

  @Test func `secrets that share their letters are all met`() {
    let redactor = Redactor()
    let values = (0..<50).map { "\($0)-same" + "letters" }
    for value in values { redactor.register(Secret(value)) }
    #expect(redactor.redact("x \(values[49]) y \(values[0]) z") == "x [REDACTED] y [REDACTED] z")
    #expect(redactor.unmetCount == 0)
  }

  @Test func `registering again changes nothing`() {
    let redactor = Redactor()
    let value = "hunter" + "2-hunter2"
    for _ in 0..<3 { redactor.register(Secret(value)) }
    #expect(redactor.unmetCount == 1)
    #expect(redactor.redact("is \(value)") == "is [REDACTED]")
    redactor.register(Secret(value))
    #expect(redactor.unmetCount == 0)
    #expect(redactor.redact("is \(value)") == "is [REDACTED]")
  }

  @Test(arguments: ["a-b-c-d-e-f", "pässwörter", "line-one-of\nline-two-of", "p@ss"])
  func `a value without six letters in a row, of several lines or beyond ASCII is looked for at once`(
    value: String
  ) {
    let redactor = Redactor()
    redactor.register(Secret(value))
    #expect(redactor.unmetCount == 0)
    #expect(redactor.finds(in: Array("before \(value) after".utf8)))
  }

  @Test func `a value cut over lines is met in the joined text`() {
    let redactor = Redactor()
    let value = "Xk7Qm2" + "vB9tL0"
    redactor.register(Secret(value))
    #expect(redactor.redact("key: Xk7Q\n  m2vB9\n  tL0.") == "key: [REDACTED].")
  }

  @Test func `a word that is also a line of a key is hidden as the key's, whichever was registered first`() {
    let word = "correcthorse" + "battery"
    let key = ["-----BEGIN KEY-----", word, "-----END KEY-----"].joined(separator: "\n")
    for secrets in [[word, key], [key, word]] {
      let redactor = Redactor()
      for secret in secrets { redactor.register(Secret(secret)) }
      #expect(redactor.redact(document: ["state": .string(word)])["state"] == "[REDACTED]")
    }
  }
}
