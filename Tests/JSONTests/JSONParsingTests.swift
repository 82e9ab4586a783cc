import Foundation
import JSON
import Testing

@Suite struct JSONParsingTests {
  @Test(
    arguments: [
      ("null", JSONValue.null), (" true ", .boolean(true)), ("0", .integer(0)), ("-0", .integer(0)),
      ("9007199254740993", .integer(9_007_199_254_740_993)), ("1.5e3", .number(1500)),
      ("1E-2", .number(0.01)),
      ("9223372036854775808", .number(9.223372036854775808e18)), (#""é\u00e9\n\/\\""#, .string("éé\n/\\")),
      (#""\uD83D\uDE00""#, .string("😀")), ("[]", .array([])), ("{}", .object([:])),
      (#"{"a":[1,{"b":null}],"c":"d"}"#, JSONValue.object(["a": [1, .object(["b": .null])], "c": "d"])),
    ])
  func aValueIsRead(text: String, value: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == value)
  }

  /// From RFC 8259 and the cases on which parsers disagree (Seriot, "Parsing JSON is a minefield").
  @Test(
    arguments: [
      ("", JSONError.Code.unexpectedEnd), ("   ", .unexpectedEnd), ("[1,]", .syntax), ("[1 2]", .syntax),
      ("{\"a\":1,}", .syntax), ("{a:1}", .syntax), ("{'a':1}", .syntax), ("[1", .unexpectedEnd),
      ("\"abc", .unexpectedEnd), ("nul", .syntax), ("True", .syntax), ("01", .syntax), ("+1", .syntax),
      ("1.", .syntax), (".5", .syntax), ("1e", .syntax), ("-", .syntax), ("0x10", .trailingBytes),
      ("NaN", .syntax),
      ("1e999", .numberTooLarge), ("[] []", .trailingBytes), ("{}x", .trailingBytes), ("\"\t\"", .syntax),
      (#""\x41""#, .syntax), (#""\u12G4""#, .syntax), (#""\uD800""#, .invalidText),
      (#""\uD800x""#, .invalidText),
      (#""\uD800\n""#, .invalidText), (#""\uDC00""#, .invalidText), (#""\u0000""#, .nullCharacter),
      (#"{"a":1,"a":2}"#, .duplicateName), (#"{"a":1,"\u0061":2}"#, .duplicateName), ("// x\n1", .syntax),
      ("]", .syntax), ("[}", .syntax), ("{\"a\"}", .syntax), ("{\"a\":}", .syntax), ("[,1]", .syntax),
    ])
  func aMalformedTextIsRefused(text: String, code: JSONError.Code) throws {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error?.code == code)
  }

  @Test(arguments: [
    [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22],
  ])
  func bytesThatAreNotUTF8AreRefused(bytes: [UInt8]) throws {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
    #expect(error?.code == .invalidText)
  }

  @Test func anErrorNamesLineAndColumnAndNothingElse() throws {
    let error = #expect(throws: JSONError.self) {
      try JSONValue(parsing: "{\n  \"token\": \"very secret\",\n  \"x\": oops\n}")
    }
    #expect(error?.position.description == "3:8")
    #expect(error?.description == "line 3, column 8: expected a value")
  }

  @Test func eachLimitHoldsExactly() throws {
    var limits = JSONLimits(depth: 3, nodes: 4, stringBytes: 5, numberBytes: 3, valueBytes: 60)
    _ = try JSONValue(parsing: "[[[1]]]", limits: limits)
    #expect(throws: JSONError.self) { try JSONValue(parsing: "[[[[1]]]]", limits: limits) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: "[1,2,3,4]", limits: limits) }
    _ = try JSONValue(parsing: "\"12345\"", limits: limits)
    #expect(throws: JSONError.self) { try JSONValue(parsing: "\"123456\"", limits: limits) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: "1234", limits: limits) }
    limits.valueBytes = 6
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "[ 1,   2 ]", limits: limits) }
    #expect(error?.code == .valueTooLong)
  }

  @Test func aBombOfBracketsStopsAtTheLimit() throws {
    let error = #expect(throws: JSONError.self) {
      try JSONValue(parsing: [UInt8](repeating: 0x5B, count: 1_000_000))
    }
    #expect(error?.code == .tooDeep)
    #expect(error?.position.column == 65)
  }

  /// Foundation's parser is the oracle: every text of the canonical printer reads back the same in both.
  @Test func canonicalTextReadsBackAsFoundationReadsIt() throws {
    var seed: UInt64 = 42
    for _ in 0..<200 {
      let value = randomValue(&seed, depth: 4)
      let text = JSONValue.array([value]).canonicalText
      #expect(try JSONValue(parsing: text) == [value])
      let decoded = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
      #expect(decoded == [value])
    }
  }

  private func randomValue(_ seed: inout UInt64, depth: Int) -> JSONValue {
    func next(_ bound: UInt64) -> UInt64 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return seed >> 33 % bound
    }
    switch next(depth == 0 ? 4 : 6) {
    case 0: return .null
    case 1: return .integer(Int(next(1 << 30)) - 1 << 29)
    case 2:
      return .string(String((0..<next(9)).map { _ in ["a", "\"", "\\", "é", "\n", "😀", "/"][Int(next(7))] }))
    case 3: return .number(Double(next(1000)) + 0.5)
    case 4: return .array((0..<next(4)).map { _ in randomValue(&seed, depth: depth - 1) })
    default:
      return .object(
        Dictionary((0..<next(4)).map { ("k\($0)", randomValue(&seed, depth: depth - 1)) }) { one, _ in one })
    }
  }
}
