import Foundation
import GitObjects
import Secrets
import Testing

@Suite struct SecretPatternsTests {
  static let secret = "p4ss/w0rd+\"tail"

  /// Text before and after cleaning, in each form.
  static let forms: [(form: SecretForm, before: String, after: String)] = [
    (.raw, "key = \(secret)\n", "key = GONE\n"),
    (.json, #"{"key": "p4ss/w0rd+\"tail"}"#, #"{"key": "GONE"}"#),
    (.json, #"{"key": "p4ss\/w0rd+\"tail"}"#, #"{"key": "GONE"}"#),
    (.percent, "https://u:p4ss%2Fw0rd%2B%22tail@host/", "https://u:GONE@host/"),
    (.percent, "https://u:p4ss%2fw0rd%2b%22tail@host/", "https://u:GONE@host/"),
    (.hex, "0x\(Hex.text(Array(secret.utf8)));", "0x474f4e45;"),
    (.hex, "0x\(Hex.text(Array(secret.utf8)).uppercased());", "0x474F4E45;"),
  ]

  @Test(arguments: forms)
  func `a secret in another form is replaced in that form`(
    form: SecretForm, before: String, after: String
  ) throws {
    let patterns = try patterns(Self.secret, replacement: "GONE")
    #expect(try patterns.hits(in: Array(before.utf8)).map(\.form) == [form])
    let clean = try #require(try patterns.cleaned(Array(before.utf8)))
    #expect(String(decoding: clean, as: UTF8.self) == after)
    #expect(try patterns.hits(in: clean).isEmpty)
  }

  @Test(arguments: [false, true])
  func `UTF-16 text is replaced as UTF-16 text`(bigEndian: Bool) throws {
    let encoding: String.Encoding = bigEndian ? .utf16BigEndian : .utf16LittleEndian
    let before = try #require("<a>\(leaked)</a>".data(using: encoding))
    let clean = try #require(try patterns(leaked, replacement: "GONE").cleaned(Array(before)))
    #expect(String(data: Data(clean), encoding: encoding) == "<a>GONE</a>")
  }

  /// Every alignment, replacement length and neighbour: the cleaned text decodes to the old one with the secret replaced.
  @Test(arguments: 0..<7, ["", "R", "RE", "REM", "***REMOVED***"])
  func `base64 text still decodes after its secret is replaced`(prefix: Int, replacement: String) throws {
    for suffix in 0..<7 {
      for isURL in [false, true] {
        let head = String(repeating: "?", count: prefix)
        let tail = String(repeating: ">", count: suffix)
        let text = Data("\(head)\(leaked)\(tail)".utf8).base64EncodedString()
        let before = isURL ? text.urlSafe : text
        let patterns = try patterns(leaked, replacement: replacement)
        let clean = try #require(try patterns.cleaned(Array("data: \(before)\n".utf8)))
        let line = String(decoding: clean, as: UTF8.self).dropFirst(6).dropLast()
        let decoded = try #require(Data(base64Encoded: String(line).standard), "\(line)")
        let result = String(decoding: decoded, as: UTF8.self)
        #expect(result.hasPrefix(head + replacement) && result.hasSuffix(tail))
        // At most two bytes fill the last group of three.
        #expect(result.utf8.count - (prefix + suffix + replacement.utf8.count) <= 2)
        #expect(!result.contains(leaked))
      }
    }
  }

  @Test func `a secret split over the strings of a notebook is found and JSON stays JSON`() throws {
    let split = "{\"source\": [\"key = '\(leaked.prefix(17))\",\n    \"\(leaked.dropFirst(17))'\\n\"]}"
    let patterns = try patterns(leaked)
    #expect(try patterns.hits(in: Array(split.utf8)).map(\.form) == [.split])
    let clean = try #require(try patterns.cleaned(Array(split.utf8)))
    let object = try JSONSerialization.jsonObject(with: Data(clean)) as? [String: [String]]
    #expect(object?["source"]?.joined() == "key = '***REMOVED***'\n")
  }

  @Test func `a secret of several lines is found in a notebook that stores each line as a string`() throws {
    let lines = (0..<5).map { "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\($0)Kcw" }
    let secret = lines.joined(separator: "\n")
    let notebook = "[" + lines.map { "\"\($0)\\n\"" }.joined(separator: ",\n  ") + "]"
    let patterns = try patterns(secret)
    let hits = try patterns.hits(in: Array(notebook.utf8))
    #expect(hits.contains { $0.form == .split })
    let clean = try #require(try patterns.cleaned(Array(notebook.utf8)))
    let text = try #require(try JSONSerialization.jsonObject(with: Data(clean)) as? [String])
    #expect(!text.joined().contains("MIIE"))
  }

  @Test(arguments: [20, 64, 76])
  func `base64 wrapped into lines is found and still decodes`(width: Int) throws {
    let text = String(repeating: "before ", count: 9) + leaked + String(repeating: " after", count: 9)
    let encoded = Array(Data(text.utf8).base64EncodedString())
    let wrapped = stride(from: 0, to: encoded.count, by: width).map {
      "    " + String(encoded[$0..<min(encoded.count, $0 + width)])
    }.joined(separator: "\n")
    let patterns = try patterns(leaked)
    let clean = try #require(try patterns.cleaned(Array(wrapped.utf8)))
    let decoded = try #require(Data(base64Encoded: Data(clean), options: .ignoreUnknownCharacters))
    let result = String(decoding: decoded, as: UTF8.self)
    #expect(result.contains("***REMOVED***") && !result.contains(leaked.suffix(12)))
    #expect(result.hasSuffix("after") && result.hasPrefix("before"))
  }

  @Test func `overlapping secrets are removed as one range`() throws {
    let patterns = try patterns("password123", "123456789")
    let clean = try #require(try patterns.cleaned(Array("x password123456789 y".utf8)))
    #expect(String(decoding: clean, as: UTF8.self) == "x ***REMOVED*** y")
  }

  @Test func `a replacement that makes a new hit with its neighbours is cleaned again`() throws {
    let patterns = try patterns("abab", replacement: "")
    let clean = try #require(try patterns.cleaned(Array("x aabab b y abaabab y".utf8)))
    #expect(!String(decoding: clean, as: UTF8.self).contains("abab"))
  }

  @Test(arguments: ["", "b", "-"])
  func `whatever the neighbours, nothing of a secret is left`(replacement: String) throws {
    var numbers = HostilePackTests.Numbers(state: 5)
    let patterns = try patterns("abaababaab", "bbabbaabab", replacement: replacement)
    // Pieces around whole secrets, so that taking one out often makes another.
    let pieces = ["abaababaab", "bbabbaabab", "abaab", "abaab", "bbabb", "aabab", "-"]
    var joined = 0
    for _ in 0..<2000 {
      let text = (0..<12).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &numbers)] }.joined()
      let once = text.replacing("abaababaab", with: replacement).replacing("bbabbaabab", with: replacement)
      if once.contains("abaababaab") || once.contains("bbabbaabab") { joined += 1 }
      guard let clean = try patterns.cleaned(Array(text.utf8)) else { continue }
      #expect(try patterns.hits(in: clean).isEmpty, "\(text)")
    }
    #expect(joined > 10 || !replacement.isEmpty)
  }

  @Test func `a replacement that holds a secret is refused`() throws {
    let error = #expect(throws: GitObjectsError.self) {
      try patterns(leaked, replacement: "was \(leaked)")
    }
    #expect(error?.code == .badPattern)
    #expect(error?.description.contains(leaked) == false)
  }

  @Test func `an empty secret is refused`() throws {
    #expect(throws: GitObjectsError.self) { try patterns("") }
  }

  @Test(arguments: 1..<20)
  func `secrets of every length are found at every position`(length: Int) throws {
    let secret = String("Zq7#kP2@vN9!xR4%tW6&".prefix(length))
    let patterns = try SecretPatterns([.init(.literal(Secret(secret)), replacement: Array("_".utf8))])
    for position in 0..<40 {
      let text =
        String(repeating: "-", count: position) + secret + String(repeating: "-", count: 39 - position)
      #expect(try patterns.hits(in: Array(text.utf8)).map(\.offset) == [position])
    }
  }

  @Test func `a thousand secrets are each found once`() throws {
    let secrets = (0..<1000).map { "key-\($0 * 7919 % 1_000_003)-\(String($0, radix: 36))-value" }
    let patterns = try SecretPatterns(secrets: secrets.map { Secret($0) })
    let text = Array(secrets.joined(separator: "\n").utf8)
    #expect(try patterns.hits(in: text).map(\.pattern) == Array(0..<1000))
    #expect(try patterns.hits(in: text).map(\.line) == Array(1...1000))
  }

  /// Lines of a file for --replace-text, a text, and what filter-repo makes of it.
  static let expressionLines: [(line: String, before: String, after: String)] = [
    ("plain-text", "a plain-text b", "a ***REMOVED*** b"),
    ("literal:one==>two", "one==one", "two==two"),
    (#"regex:(token=)\w+(;)==>\1<\2>"#, "token=abc; token=de;", "token=<;> token=<;>"),
    (#"regex:(?i)driver\s*x"#, "DRIVER  X y", "***REMOVED*** y"),
    ("glob:key-*-end==>K", "key-1-end\nkey-2-end x", "K\nK x"),
    ("a==>b==>c", "a==>b", "c"),
  ]

  @Test(arguments: expressionLines)
  func `expressions of a replace-text file mean what they mean to filter-repo`(
    line: String, before: String, after: String
  ) throws {
    let list = try SecretPatterns.expressions(
      replaceText: Array("\(line)\r\n\n".utf8), searchesEveryForm: false)
    let patterns = try SecretPatterns(list)
    let clean = try #require(try patterns.cleaned(Array(before.utf8)))
    #expect(String(decoding: clean, as: UTF8.self) == after)
    #expect(try patterns.hits(in: Array(before.utf8)).isEmpty == false)
  }

  @Test(arguments: ["regex:(unclosed", #"regex:a==>\2"#])
  func `a wrong expression is refused without its text`(line: String) throws {
    let list = try SecretPatterns.expressions(replaceText: Array(line.utf8))
    let error = #expect(throws: GitObjectsError.self) { try SecretPatterns(list) }
    #expect(error?.code == .badPattern)
    #expect(error?.description.contains("unclosed") == false)
  }

  @Test func `a ref name without its secret is still a ref name`() throws {
    let patterns = try patterns(leaked)
    let name = try #require(try patterns.cleaned(refName: "refs/heads/fix-\(leaked)"))
    #expect(name == "refs/heads/fix-___REMOVED___")
  }
}

extension String {
  fileprivate var urlSafe: String {
    replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
  }
  fileprivate var standard: String {
    let text = replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
    return text + String(repeating: "=", count: (4 - text.count % 4) % 4)
  }
}
