import Foundation
import JSON
import Secrets
import Testing

@Suite struct RedactedDocumentTests {
  @Test(arguments: ["postgres", "steps", "sev3", "kind", "dead", "digest", "reading", "0123"])
  func `a leaked word is hidden in free text and never in keys, enumerations, ids or digests`(word: String) {
    let redactor = Redactor()
    redactor.register(Secret(word))
    let document: JSONValue = [
      "kind": "postgres_uri", "steps": [["id": "steps", "state": "dead"]], "severity": "sev3",
      "digest": "0123456789abcdef", "at": "2026-11-30T01:23:45Z", "reading": .string(word),
      "error": ["class": .string(word), "message": .string("no \(word) here")], "text": .string(word),
    ]
    let clean = redactor.redact(document: document)
    for key in ["kind", "steps", "severity", "digest", "at", "reading"] {
      #expect(clean[key] == document[key])
    }
    #expect(clean["error"]?["class"] == .string(word))
    #expect(clean["error"]?["message"] == "no [REDACTED] here")
    #expect(clean["text"] == "[REDACTED]")
    #expect(!redactor.holdsSecret(document: document))
  }

  @Test func `a value that is no word is hidden everywhere, keys included`() {
    let value = "Xk7-" + "Qm2_vB9tL0"
    let redactor = Redactor()
    redactor.register(Secret(value))
    let clean = redactor.redact(document: ["name": .string("svc-\(value)"), value: 1])
    #expect(clean == ["name": "svc-[REDACTED]", "[REDACTED]": 1])
    #expect(redactor.holdsSecret(document: ["a": [.string(value)]]))
  }

  @Test func `wrapped base64 and each line of a key are hidden`() throws {
    let lines = (0..<4).map { "MIIEvQIBADANBgkqhkiG9w0BAQEF\($0)QYx7" }
    let begin = "-----BEGIN " + "PRIVATE KEY-----"
    let key = ([begin] + lines + ["-----END " + "PRIVATE KEY-----"]).joined(separator: "\n")
    let redactor = Redactor()
    redactor.register(Secret(key))
    let said = redactor.redact("01:02 [key] \(lines[1])\n01:03 [key] \(lines[2])\n\(begin)")
    #expect(said == "01:02 [key] [REDACTED]\n01:03 [key] [REDACTED]\n\(begin)")
    let wrapped = Data(("head " + key + " tail").utf8).base64EncodedString(options: .lineLength64Characters)
    let clean = redactor.redact(wrapped)
    let decoded = Data(
      base64Encoded: clean.replacing(Redactor.mark, with: ""), options: .ignoreUnknownCharacters)
    #expect(clean.contains(Redactor.mark))
    #expect(!String(decoding: decoded ?? Data(), as: UTF8.self).contains("BADANBgkqhkiG9w0"))
  }

  @Test func `text that enters is checked against every form of the values`() {
    let secrets = [Secret("Qx7&" + "Mint<Draft=55"), Secret("abc")]
    let found = SecretForms.occurrences(
      of: secrets, in: Array(#"see "Qx7\u0026Mint\u003cDraft=55" there"#.utf8))
    #expect(found.map(\.secret) == [0] && found.map(\.form) == [.json] && found.map(\.offset) == [5])
    #expect(!SecretForms.occurrences(of: secrets, in: Array("Qx7&amp;Mint&lt;Draft=55".utf8)).isEmpty)
    #expect(!SecretForms.occurrences(of: secrets, in: Array("abc".utf8)).isEmpty)
    #expect(SecretForms.occurrences(of: secrets, in: Array("abcd and nothing else".utf8)).isEmpty)
  }
}
