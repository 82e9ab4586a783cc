import Foundation
import TestSupport
import Testing

@testable import Server

/// Requests that two readers in a row would cut at different places. Behind each stands a delivery with a good signature:
/// whoever takes the first one for shorter than it is, stores the second.
@Suite(.timeLimit(.minutes(3))) struct SmugglingTests {
  private static let head = "POST /github HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\n"
  private static let chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
  private static let rest = "\r\n0\r\n\r\n"

  /// What is refused, by name. Sources: RFC 9112 §2.2, §5, §6, §7.1; RFC 9110 §5.5.
  private static let refused: [(name: String, text: String)] = [
    ("length and coding", head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + rest),
    ("coding and length", head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + rest),
    ("two lengths", head + "Content-Length: 5\r\nContent-Length: 0\r\n" + rest),
    ("the same length twice", head + "Content-Length: 5\r\nContent-Length: 5\r\n" + rest),
    ("a list of lengths", head + "Content-Length: 5, 5\r\n" + rest),
    ("a length with a sign", head + "Content-Length: +5\r\n" + rest),
    ("a folded field", head + "X-A: b\r\n Content-Length: 5\r\n\r\n"),
    ("a folded coding", head + "Transfer-Encoding:\r\n chunked\r\n" + rest),
    ("a coding folded with a tab", head + "Transfer-Encoding: x\r\n\tchunked\r\n" + rest),
    ("a fold before the first field", "POST /github HTTP/1.1\r\n Host: r\r\n\r\n"),
    ("line feeds alone", "POST /github HTTP/1.1\nHost: r\nContent-Length: 5\n\n0" + rest),
    ("a line feed inside the head", head + "X: y\nTransfer-Encoding: chunked\r\n" + rest),
    ("a line feed at its end", head + "Content-Length: 0\r\n\n"),
    ("a carriage return alone", head + "X: y\rTransfer-Encoding: chunked\r\n" + rest),
    ("a zero byte in a value", head + "X: a\0b\r\nContent-Length: 0\r\n\r\n"),
    ("a zero byte in a name", head + "X\0: a\r\nContent-Length: 0\r\n\r\n"),
    ("space before the colon", head + "Transfer-Encoding : chunked\r\n" + rest),
    ("another coding", head + "Transfer-Encoding: xchunked\r\n" + rest),
    ("identity beside a length", head + "Transfer-Encoding: identity\r\nContent-Length: 5\r\n" + rest),
    ("chunked twice", head + "Transfer-Encoding: chunked, chunked\r\n" + rest),
    ("a vertical tab before the coding", head + "Transfer-Encoding: \u{0B}chunked\r\n" + rest),
    ("a chunk's size with 0x", chunked + "0x5\r\nhello" + rest),
    ("a negative chunk", chunked + "-1\r\nhello" + rest),
    ("a chunk's size beyond 64 bits", chunked + "10000000000000005\r\nhello" + rest),
    ("space behind a chunk's size", chunked + "5 \r\nhello" + rest),
    ("a chunk that is longer than it says", chunked + "5\r\nhelloX" + rest),
    ("chunks with line feeds", chunked + "5\nhello\n0\n\n"),
    ("an extension that ends in a line feed", chunked + "5;a\nhello" + rest),
    ("a length in the trailer", chunked + "0\r\nContent-Length: 50\r\n\r\n"),
    ("no version", "POST /github\r\n\r\n"),
    ("a version that is none", "POST /github HTTP/1.2\r\nHost: r\r\nContent-Length: 0\r\n\r\n"),
    ("tabs in the first line", "POST\t/github\tHTTP/1.1\r\nHost: r\r\nContent-Length: 0\r\n\r\n"),
    ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  ]

  @Test func `what two readers could cut differently is refused, and nothing behind it is a request`()
    async throws
  {
    try await RunningReceiver.with([TestKeys.route(.github)], limits: .roomy) { server async throws in
      let smuggled = TestKeys.github("{\"action\":\"created\",\"smuggled\":true}")
      for (name, text) in Self.refused {
        let connection = try await server.connect()
        try await connection.send(Array((text + smuggled.head).utf8) + smuggled.body)
        let answer = try await connection.rest()
        let firstLine = answer.prefix { $0 != "\r\n" }
        #expect(firstLine.contains(" 400 "), "\(name): \(firstLine)")
        #expect(answer.components(separatedBy: "HTTP/1.").count == 2, "\(name): more than one answer")
      }
      #expect(try server.deliveries().isEmpty)
      // The same delivery is taken when it comes alone: it was refused for what stood before it.
      #expect(try await server.send(smuggled).status == 202)
    }
  }

  @Test func `an address in the request line names a path here and no other host`() async throws {
    try await RunningReceiver.with([TestKeys.route(.github)], limits: .roomy) { server async throws in
      for (line, status) in [
        ("GET http://elsewhere.example/healthz", "200"),
        ("GET http://elsewhere.example/../../etc/passwd", "4"),
        ("CONNECT elsewhere.example:443", "4"), ("OPTIONS *", "4"),
        ("GET /static/%2e%2e/%2e%2e/etc/passwd", "4"), ("GET /static/../../etc/passwd", "4"),
      ] {
        let connection = try await server.connect()
        try await connection.send("\(line) HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n")
        let answer = try await connection.rest()
        #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(line): \(answer.prefix(40))")
        #expect(!answer.contains("root:"))
      }
    }
  }
}
