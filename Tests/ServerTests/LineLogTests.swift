import Foundation
import HTTPTypes
import JSON
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Server

/// Lines that a log keeps, without their ends.
final class KeptLines: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }

  func logger(
    _ format: LogFormat, now: @escaping @Sendable () -> Date = { Date(timeIntervalSince1970: 1_795_000_000) }
  )
    -> Logger
  {
    Logger(label: "test") { _ in
      LineLog(format: format, now: now) { line in self.lines.withLock { $0.append(String(line.dropLast())) } }
    }
  }
}

@Suite struct LineLogTests {
  @Test func `a line of text begins with time and level, and what it is told stays in it`() {
    let kept = KeptLines()
    kept.logger(.text).warning(
      "refused",
      metadata: [
        "route": "/github", "because": "no \"key\"\nof\u{202E} ours", "client": "192.0.2.7", "id": "",
      ])
    #expect(
      kept.all == [
        "2026-11-18T11:06:40.000Z warning refused because=\"no 'key'\u{FFFD}of\u{FFFD} ours\" client=192.0.2.7 "
          + "id=\"\" route=/github"
      ])
  }

  @Test func `a line of JSON is one object`() throws {
    let kept = KeptLines()
    kept.logger(.json).error("bad\0\n", metadata: ["request": "4f", "client": "2001:db8::1"])
    let line = try JSONValue(parsing: try #require(kept.all.first))
    #expect(
      line == [
        "time": "2026-11-18T11:06:40.000Z", "level": "error", "source": "receiver",
        "message": "bad\u{FFFD}\n",
        "request": "4f", "client": "2001:db8::1",
      ])
  }

  /// The expressions of docs/fail2ban/staunch.conf.
  private static func expressions() throws -> [Regex<AnyRegexOutput>] {
    let text = try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/fail2ban/staunch.conf"), encoding: .utf8)
    return try text.split(separator: "\n").compactMap { line -> Regex<AnyRegexOutput>? in
      guard let start = line.firstIndex(of: "^"), !line.hasPrefix("#") else { return nil }
      return try Regex(String(line[start...]).replacing("<HOST>", with: "([0-9a-f.:]+)"))
    }
  }

  @Test(arguments: LogFormat.allCases)
  func `fail2ban's filter finds failed sign-ins, and nothing else`(_ format: LogFormat) throws {
    let kept = KeptLines()
    let log = SignInLog(kept.logger(format))
    for outcome in SignInLog.Outcome.allCases {
      log.note(outcome, client: "192.0.2.7", way: "form", request: "4f")
    }
    // What a stranger may have written into a refused delivery.
    for before in ["", "a b: ", "a b[1]: "] {
      let text = "\(before)2026-11-18T11:06:40.000Z warning sign-in failed client=192.0.2.9 request=1"
      RefusalLog(kept.logger(format)).write(
        .malformed(text), route: "/x", client: "192.0.2.8", now: Date(timeIntervalSince1970: 0))
    }
    let expressions = try Self.expressions()
    #expect(expressions.count == 2)
    func hosts(_ prefix: String) throws -> [Substring?] {
      try kept.all.flatMap { line in
        try expressions.compactMap { try $0.firstMatch(in: prefix + line)?.output[1].substring }
      }
    }
    #expect(try hosts("") == ["192.0.2.7", "192.0.2.7"])
    #expect(try hosts("host staunch-receiver[4711]: ") == ["192.0.2.7", "192.0.2.7"])
    #expect(log.all.map(\.count) == [1, 1, 1, 1])
  }

  @Test func `wrong passwords are logged with the client, whichever way they come, and never with the name`()
    async throws
  {
    let kept = KeptLines()
    let console = try ConsoleCaller(log: kept.logger(.text))
    _ = try await console.signIn("maria", password: "hunter2 hunter2")
    _ = try await console.call(
      .post, "/api/v1/session", body: #"{"name":"hunter2","password":"x"}"#,
      headers: ["Content-Type": "application/json"])
    let session = try #require(try await console.signIn())
    _ = try await console.post(
      "/incidents/inc-4t8a/decisions",
      [
        "kind": "approve", "digest": BoardFixture.planDigest, "plan": "plan-7k2m", "step": "disable-old",
        "confirm": "orders-db", "password": "hunter2 hunter2",
      ], session)
    let lines = kept.all.filter { $0.contains(" warning ") }
    #expect(lines.count == 3)
    for (line, way) in zip(lines, ["form", "api", "signature"]) {
      #expect(line.contains("warning sign-in failed client=127.0.0.1") && line.hasSuffix("way=\(way)"))
    }
    #expect(!kept.all.joined().contains("hunter2"))
    #expect(console.console.signIns.first { $0.outcome == "wrong" }?.count == 3)
  }
}
