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

  private func expression(_ text: String) throws -> SecretPatterns {
    try SecretPatterns(try SecretPatterns.expressions(replaceText: Array("regex:\(text)\n".utf8)))
  }
}
