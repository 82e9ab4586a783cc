import Foundation
import Secrets
import Testing

@Suite struct RedactorTests {
  /// Holds every character that some encoding changes.
  private static let value = "p@ss/w0rd" + "+\"x\"é&"

  private static func forms() -> [String] {
    let raw = Data(value.utf8)
    let hex = raw.map { String(format: "%02x", $0) }.joined()
    let json = String(decoding: (try? JSONEncoder().encode(value)) ?? Data(), as: UTF8.self)
    return [
      value, raw.base64EncodedString(), (Data("x".utf8) + raw).base64EncodedString(),
      (Data("xy".utf8) + raw).base64EncodedString(),
      (Data("user:".utf8) + raw + Data("tail".utf8)).base64EncodedString(),
      hex, hex.uppercased(), value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "", json,
    ]
  }

  @Test(arguments: forms())
  func `a registered secret is hidden in every form, inside other text`(form: String) {
    let redactor = Redactor()
    redactor.register(Secret(Self.value))
    let text = redactor.redact("before \(form) after")
    #expect(text.hasPrefix("before "))
    #expect(text.hasSuffix(" after"))
    #expect(text.contains(Redactor.mark))
    #expect(!text.contains(form))
  }

  @Test func `text without a secret is untouched`() {
    let redactor = Redactor()
    redactor.register(Secret(Self.value))
    #expect(redactor.redact("nothing here, pass on") == "nothing here, pass on")
    #expect(!redactor.finds(in: Array("nothing here".utf8)))
  }

  @Test func `base64 forms are found at every alignment of random neighbours`() {
    var generator = SystemRandomNumberGenerator()
    let redactor = Redactor()
    redactor.register(Secret("tok" + "en-with-some-length"))
    for before in 0..<12 {
      for after in 0..<4 {
        let head = (0..<before).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let tail = (0..<after).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let text = Data(head + Array(("tok" + "en-with-some-length").utf8) + tail).base64EncodedData()
        #expect(redactor.finds(in: Array(text)), "before \(before), after \(after)")
      }
    }
  }

  @Test func `thousands of secrets that begin alike are hidden, each as a whole`() {
    let redactor = Redactor()
    let values = (0..<3000).map { "sk-" + "proj-" + String(repeating: "A", count: 40) + "\($0 + 10_000)" }
    for value in values { redactor.register(Secret(value)) }
    // One that begins with another: the longer is hidden as a whole.
    redactor.register(Secret(values[0] + "tail"))
    let text = "first \(values[0])tail then \(values[2999]), \(values[17])"
    #expect(redactor.redact(text) == "first [REDACTED] then [REDACTED], [REDACTED]")
    #expect(redactor.redact("sk-" + "proj-" + String(repeating: "A", count: 40)).hasPrefix("sk-"))
    #expect(!redactor.finds(in: Array("nothing here, not even the end sk-".utf8)))
  }
}
