import Foundation
import GitObjects
import Secrets
import Testing

/// An expressions file that is not understood, or an expression that cannot be matched, is an error and never "clean".
@Suite struct ExpressionsFileTests {
  private static let value = "Tr0ub4dor-Zinnia-88"

  private static func files() -> [[UInt8]] {
    let text = value + "\r\n"
    let little = Array(text.data(using: .utf16LittleEndian) ?? Data())
    let big = Array(text.data(using: .utf16BigEndian) ?? Data())
    return [
      Array(text.utf8), [0xEF, 0xBB, 0xBF] + Array(text.utf8), [0xFF, 0xFE] + little, [0xFE, 0xFF] + big,
      little, big,
    ]
  }

  @Test(arguments: files())
  func `an expressions file finds its secret whatever editor saved it`(file: [UInt8]) throws {
    let patterns = try SecretPatterns(try SecretPatterns.expressions(replaceText: file))
    #expect(try patterns.hits(in: Array("PW=\(Self.value)".utf8)).map(\.form) == [.raw])
  }

  @Test(
    arguments: [
      ("UTF-32", [0xFF, 0xFE, 0, 0, 0x61, 0, 0, 0]), ("cut off", [0xFF, 0xFE, 0x61, 0, 0x62]),
      ("zero bytes", [0x61, 0x62, 0, 0x63, 0x64, 0x65]), ("none", []), ("none", [0x0A, 0x0D, 0x0A]),
    ] as [(String, [UInt8])])
  func `an expressions file that is not understood is refused with its encoding`(word: String, file: [UInt8])
  {
    let error = #expect(throws: GitObjectsError.self) { try SecretPatterns.expressions(replaceText: file) }
    #expect(error?.code == .badPattern && error?.description.contains(word) == true, "\(error as Any)")
  }

  @Test func `a password that an editor saved in Windows-1252 is found in UTF-8`() throws {
    let file = Array("Käse-Brötchen-77".data(using: .windowsCP1252) ?? Data())
    let patterns = try SecretPatterns(try SecretPatterns.expressions(replaceText: file))
    #expect(try !patterns.hits(in: Array("pw: Käse-Brötchen-77\n".utf8)).isEmpty)
    #expect(try !patterns.hits(in: [0x3D] + file).isEmpty)
  }

  @Test func `an expression that needs more than the compiled stack matches all the same`() throws {
    let body = (0..<200).map { String(format: "%064d", $0) }.joined(separator: "\n")
    let key = "-----BEGIN " + "KEY-----\n\(body)\n-----END " + "KEY-----"
    let patterns = try expression(#"-----BEGIN KEY-----(?:[A-Za-z0-9+/=]|\s|\\n)+-----END KEY-----"#)
    let hits = try patterns.hits(in: Array("x\n\(key)\ny".utf8))
    #expect(hits.map(\.length) == [key.utf8.count])
    let clean = try #require(try patterns.cleaned(Array("x\n\(key)\ny".utf8)))
    #expect(String(decoding: clean, as: UTF8.self) == "x\n***REMOVED***\ny")
  }

  @Test func `an expression that PCRE2 gives up is an error, not "no match"`() throws {
    let patterns = try expression(#"^(?:a|aa|b|ab)*c"#)
    let text = Array((String(repeating: "ab", count: 3000) + "xc").utf8)
    let error = #expect(throws: GitObjectsError.self) { try patterns.hits(in: text) }
    #expect(error?.why.contains("not known whether it matches") == true)
    #expect(throws: GitObjectsError.self) { try patterns.cleaned(text) }
    let sandbox = try GitSandbox()
    try sandbox.put("file", text)
    try sandbox.git("add", ".")
    try sandbox.git("commit", "-qm", "file")
    let objects = try RepositoryObjects(gitDirectory: sandbox.gitDirectory)
    #expect(throws: GitObjectsError.self) { try ObjectScan(objects: objects, patterns: patterns).run() }
  }

  @Test func `an expression that is given up or does not compile is named by its line`() throws {
    let file = "\n\na-secret-value\n\nregex:^(?:a|aa|b|ab)*c\n"
    let patterns = try SecretPatterns(try SecretPatterns.expressions(replaceText: Array(file.utf8)))
    let error = #expect(throws: GitObjectsError.self) {
      try patterns.hits(in: Array((String(repeating: "ab", count: 3000) + "xc").utf8))
    }
    #expect(error?.what == "expression 2 (line 5 of its file) cannot be searched")
    let broken = #expect(throws: GitObjectsError.self) {
      try SecretPatterns(try SecretPatterns.expressions(replaceText: Array("\r\nx\r\n\r\nregex:(\r\n".utf8)))
    }
    #expect(broken?.what.contains("(line 4 of its file)") == true)
  }

  @Test func `the answer says that an expression is searched in no other form`() throws {
    #expect(try expression("a+").notSearched.contains { $0.hasPrefix("regular expressions (1)") })
    #expect(try SecretPatterns(secrets: [Secret("abc")]).notSearched.contains { $0.contains("too short") })
  }

  /// After such a rewrite the secret stands where it stood, so "clean" would be false.
  @Test(arguments: [
    (#"key=(\w+)==>key=\1"#, "key=hunter2-Zinnia"), (#"key=(\w+)\s*==>key=\1"#, "key=hunter2"),
    (#"(key=)(\w+)(;?)==>\1\2"#, "key=hunter2 x"), (#"(?i)KEY=(\w+)==>key=\1"#, "key=hunter2"),
    (#"key=(\w+)==>key=<\1>"#, "key=hunter2"), (#"key=(\w+) ==>key=\1"#, "key=hunter2 x"),
    (#"password=(\w+)==>key=\1"#, "password=hunter2"), (#"(\w+)\s*[:=]\s*(\w+)==>\1=\2"#, "key : hunter2"),
    (#"key *= *"(\w+)"==>key = '\1'"#, #"key= "hunter2""#), (#"(?:pw|key)\.(\w{3,9})==>x\.\1"#, "pw.hunter2"),
    (#"(?<all>key=\w+)==>\g<all>"#, "key=hunter2"),
  ])
  func `a replacement that puts the match back is found still and never rewritten to clean`(
    line: String, text: String
  ) throws {
    let patterns = try expression(line)
    #expect(try patterns.hits(in: Array(text.utf8)).map(\.form) == [.expression])
    let error = #expect(throws: GitObjectsError.self) { try patterns.cleaned(Array(text.utf8)) }
    #expect(error?.code == .badPattern && error?.why.contains("puts back") == true)
    #expect(error?.description.contains("hunter2") == false)
  }

  @Test func `a replacement of the whole match by itself is refused at once`() {
    let error = #expect(throws: GitObjectsError.self) { try expression(#"key=\w+==>was \g<0>"#) }
    #expect(error?.code == .badPattern && error?.why.contains("puts back") == true)
  }

  @Test(arguments: [
    (#"(password=)\S+==>\1***REMOVED***"#, "password=hunter2 x", "password=***REMOVED*** x"),
    (#"(\w+=)\S+==>\1***"#, "password=hunter2 x", "password=*** x"), (#"(\w+)=\w+==>\1=***"#, "x=w", "x=***"),
    (#"(\w+[:=])\w+==>\1xxxx"#, "password:hunter2", "password:xxxx"),
    (#"(password=)hunter2==>\1***"#, "password=hunter2", "password=***"),
    (#"password=\S+==>password=***"#, "password=hunter2", "password=***"),
    (#"(p://\w+:)[^@]+(@)==>\1GONE\2"#, "p://u:hunter2@h", "p://u:GONE@h"),
  ])
  func `groups around the secret are kept, and the result is clean`(line: String, text: String, after: String)
    throws
  {
    let patterns = try expression(line)
    let clean = try #require(try patterns.cleaned(Array(text.utf8)))
    #expect(String(decoding: clean, as: UTF8.self) == after)
    #expect(try patterns.hits(in: clean).isEmpty)
    #expect(try patterns.cleaned(clean) == nil)
  }

  @Test(arguments: ["==>X", "literal:", "literal:==>X", "regex:", "glob:==>X", "one\rtwo\rthree"])
  func `a line that would find nothing is refused with its number, not passed over`(line: String) {
    let file = Array("\n\(Self.value)\n\(line)\r\n".utf8)
    let error = #expect(throws: GitObjectsError.self) { try SecretPatterns.expressions(replaceText: file) }
    #expect(error?.code == .badPattern && error?.what.hasPrefix("line 3 ") == true)
    #expect(error?.description.contains("three") == false)
  }

  @Test func `the answer says that white space at the ends of a line was taken as a part of the value`()
    throws
  {
    let list = try SecretPatterns.expressions(replaceText: Array("\(Self.value) \n".utf8))
    #expect(
      try SecretPatterns(list).notSearched.contains {
        $0.hasPrefix("expression 1 (line 1 of its file) without")
      })
    #expect(
      try !SecretPatterns(secrets: [Secret(Self.value)]).notSearched.contains { $0.contains("white space") })
  }

  private func expression(_ text: String) throws -> SecretPatterns {
    try SecretPatterns(try SecretPatterns.expressions(replaceText: Array("regex:\(text)\n".utf8)))
  }
}
