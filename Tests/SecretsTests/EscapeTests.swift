import Foundation
import Secrets
import Testing

/// What an escape means, in the languages that docs/FORMS.md names.
@Suite struct EscapeTests {
  private static let meanings: [(text: String, means: String)] = [
    (#"p\u0026s"#, "p&s"), (#"p\u{26}s"#, "p&s"), (#"p\U00000026s"#, "p&s"), (#"p\x26s"#, "p&s"),
    (#"p\x{26}s"#, "p&s"),
    (#"p\046s"#, "p&s"), (#"p\46s"#, "p&s"), (#"p\o{46}s"#, "p&s"), (#"p\&s"#, "p&s"),
    (#"p\"s\/t\\u"#, #"p"s/t\u"#),
    (#"\ud83d\ude00x"#, "😀x"), (#"k\u00fcx"#, "küx"), (#"k\xfcx"#, "küx"), (#"k\xc3\xbcx"#, "küx"),
    (#"k\303\274x"#, "küx"),
    ("p\\\ns", "ps"), ("p\\\r\ns", "ps"), (#"a\nb\tc"#, "a\nb\tc"),
    ("p%26s", "p&s"), ("k%C3%BCx", "küx"), ("k%u00FCx", "küx"), ("a+b%26c", "a b&c"), ("p%2526s", "p&s"),
    ("p&amp;s", "p&s"), ("p&#38;s", "p&s"), ("p&#00038;s", "p&s"), ("p&#x26;s", "p&s"), ("p&#X026;s", "p&s"),
    ("p&#38s", "p&s"), ("p&AMP;s", "p&s"), ("p&dollar;s&lbrack;", "p$s["), ("k&uuml;x", "küx"),
    ("&#x1F600;x", "😀x"),
    (#"p\\u0026s"#, "p&s"), (#"p%5Cu0026s"#, "p&s"), ("p&amp;#38;s", "p&s"), (#"p\u0026amp;s"#, "p&s"),
    ("p%26amp%3Bs", "p&s"), (#"p\\\\u0026s"#, "p&s"),
    // The inner layer's escape begins as it is, and goes on with one of the outer layer.
    (#"p\&quot;s"#, #"p"s"#), (#"p&\x2338;s"#, "p&s"), ("p%uD83D%uDE00x", "p😀x"),
  ]

  @Test(arguments: meanings)
  func `a value that was copied with escapes means what its language reads`(text: String, means: String) {
    #expect(Secret(text).decodings.contains { $0.isSame(as: Secret(means)) }, "\(text)")
    #expect(Secret(text).isSpelling(of: Secret(means)))
  }

  @Test(arguments: [
    #"p\ds"#, "100%", "100% of", "p%2", "p%zz", "a & b", "p&s;", "p&unknown;s", "p&#;s", "p&#xD800;",
    #"\u12"#, #"\ud83d"#, "%uD83Dx",
    "p&#x110000;", "plain",
  ])
  func `what only resembles an escape is left as it is`(text: String) {
    #expect(Secret(text).decodings.isEmpty, "\(text)")
  }

  @Test(arguments: meanings)
  func `the redactor hides whatever means a registered secret`(text: String, means: String) {
    // Long enough to be told from text.
    let value = "Tr0ub4" + means + "Zinnia88"
    let redactor = Redactor()
    redactor.register(Secret(value))
    let said = redactor.redact("see <Tr0ub4\(text)Zinnia88>, twice: Tr0ub4\(text)Zinnia88")
    #expect(said == "see <[REDACTED]>, twice: [REDACTED]", "\(text)")
  }

  @Test(arguments: ["\\u%04x", "\\x%02X", "\\%03o", "%%%02X", "&#%d;", "&#x%04X;", "%%25%02x", "\\\\u%04x"])
  func `a value of letters and digits is hidden with every character escaped`(notation: String) {
    let value = "Tr0ub4dor" + "Zinnia88Qx7"
    let redactor = Redactor()
    redactor.register(Secret(value))
    let text = value.utf8.map { String(format: notation, Int($0)) }.joined()
    #expect(redactor.redact("a \(text) b") == "a [REDACTED] b")
    let wide = "a \(text) b".data(using: .utf16LittleEndian) ?? Data()
    #expect(redactor.finds(in: Array(wide)))
  }
}
