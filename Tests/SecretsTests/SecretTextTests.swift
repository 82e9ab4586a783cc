import Foundation
import Secrets
import Testing

@Suite struct SecretTextTests {
  private static func utf16(_ text: String, littleEndian: Bool) -> [UInt8] {
    text.utf16.flatMap { unit -> [UInt8] in
      let low = UInt8(unit & 0xFF)
      let high = UInt8(unit >> 8)
      return littleEndian ? [low, high] : [high, low]
    }
  }

  @Test(arguments: ["hunter2", "hunter2\n", "hunter2\r\n"])
  func `the secret is the same, whatever wrote the file`(text: String) throws {
    let plain = Array(text.utf8)
    let files: [[UInt8]] = [
      plain, [0xEF, 0xBB, 0xBF] + plain, [0xFF, 0xFE] + Self.utf16(text, littleEndian: true),
      [0xFE, 0xFF] + Self.utf16(text, littleEndian: false),
    ]
    for file in files { #expect(try SecretText.secret(file).exposeAsText() == "hunter2") }
  }

  @Test func `lines and blanks inside a secret stay`() throws {
    let key = "-----BEGIN KEY-----\nabc d\n\nef==\n-----END KEY-----"
    #expect(try SecretText.secret(Array((key + "\n").utf8)).exposeAsText() == key)
    #expect(try SecretText.secret(Array("a\r\nb\r\n".utf8)).exposeAsText() == "a\r\nb")
    #expect(try SecretText.secret([]).isEmpty)
  }

  @Test(arguments: ["v\n\n", "v\r\n\r\n", "v\r", "v ", "v \n", "v\t\n", " v\n", "\nv\n", "\tv"])
  func `what may or may not belong to the secret is refused, not guessed`(text: String) throws {
    let refusal = try #require(throws: SecretText.Refusal.self) { try SecretText.secret(Array(text.utf8)) }
    #expect(refusal.because.contains("cannot be told"))
    #expect(refusal.fix.contains("env:NAME"))
  }

  @Test func `an encoding that is not certain is refused by its name`() throws {
    let unmarked = Self.utf16("hunter2\r\n", littleEndian: true)
    let cases: [(file: [UInt8], name: String)] = [
      (unmarked, "UTF-16 without"), (Self.utf16("hunter2", littleEndian: false), "UTF-16 without"),
      ([0xFF, 0xFE, 0, 0, 0x76, 0, 0, 0], "UTF-32"), ([0xFF, 0xFE, 0x76], "cut off"),
      (Array("hun\0ter".utf8), "NUL"),
    ]
    for (file, name) in cases {
      let refusal = try #require(throws: SecretText.Refusal.self) { try SecretText.secret(file) }
      #expect(refusal.because.contains(name))
      #expect(refusal.fix.contains("UTF-8"))
    }
  }
}
