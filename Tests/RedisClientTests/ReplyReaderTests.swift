import Capabilities
import JSON
import Testing

@testable import RedisClient

/// Answers in RESP2, from bytes that come as they like.
@Suite struct ReplyReaderTests {
  /// Brings `text` in pieces of `size` bytes, and then nothing any more.
  private static func replies(
    _ text: String, count: Int = 1, size: Int, _ limits: ReplyReader.Limits = .init()
  )
    throws(LineFailure) -> [RedisReply]
  {
    var rest = Array(text.utf8)[...]
    var reader = ReplyReader(limits)
    var found: [RedisReply] = []
    for _ in 0..<count {
      found.append(
        try reader.next { bytes throws(LineFailure) in
          guard !rest.isEmpty else { throw .broken }
          bytes += rest.prefix(size)
          rest = rest.dropFirst(size)
        })
    }
    return found
  }

  private static func end(_ text: String, size: Int, _ limits: ReplyReader.Limits = .init()) -> String {
    do throws(LineFailure) {
      _ = try replies(text, size: size, limits)
      return "read"
    } catch { return error.word }
  }

  @Test(arguments: [1, 2, 3, 7, 4096])
  func `answers are the same in whatever pieces they come`(size: Int) throws {
    let text =
      "+OK\r\n:-7\r\n$-1\r\n$4\r\na\r\nb\r\n*3\r\n$1\r\nx\r\n*-1\r\n*1\r\n:1\r\n-WRONGPASS invalid 'hush'\r\n*0\r\n"
    #expect(
      try Self.replies(text, count: 7, size: size) == [
        .value("OK"), .value(-7), .value(.null), .value("a\r\nb"),
        .value(["x", .null, [1]]), .error("WRONGPASS"), .value([]),
      ])
  }

  @Test(arguments: [
    "$3\r\nabcd\r\n", "$x\r\n", "$-2\r\n", ":x\r\n", "*-2\r\n", "HTTP/1.1 400 Bad Request\r\n", "\r\n",
    "*1\r\n-ERR what\r\n", "%1\r\n+a\r\n+b\r\n",
  ])
  func `what is no answer in this protocol is none`(text: String) {
    for size in [1, 4096] { #expect(Self.end(text, size: size) == "unreadable") }
  }

  @Test(arguments: ["", "+OK", "$5\r\nab", "*2\r\n:1\r\n", "$2\r\nab"])
  func `half an answer is a connection that broke`(text: String) {
    #expect(Self.end(text, size: 1) == "no connection")
  }

  @Test func `no answer takes more than its limits, whatever it promises`() {
    var limits = ReplyReader.Limits()
    limits.bytes = 100
    limits.line = 20
    limits.elements = 10
    limits.depth = 4
    for text in [
      "$101\r\n", "$9999999999999\r\n", "*11\r\n", "*9223372036854775807\r\n",
      "+" + String(repeating: "x", count: 40),
      String(repeating: "*1\r\n", count: 5),
      "*5\r\n" + String(repeating: "$18\r\n" + String(repeating: "x", count: 18) + "\r\n", count: 5),
      "*3\r\n" + String(repeating: "*3\r\n:1\r\n:1\r\n:1\r\n", count: 3),
    ] { #expect(Self.end(text, size: 1, limits) == "too long", "\(text)") }
  }

  @Test func `of an error only its first word is kept`() throws {
    #expect(try Self.replies("-ERR \u{1B}[31mhush\r\n", size: 1) == [.error("ERR")])
    #expect(try Self.replies("-\u{1B}[31m\r\n", size: 1) == [.error("an error")])
  }
}
