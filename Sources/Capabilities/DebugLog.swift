import Foundation
import Synchronization

/// What the program does, line by line, for whoever looks for a fault: `--log-level`, `STAUNCH_LOG`.
///
/// Silent until the assembly opens it; the assembly adds the time, the redactor and the way out. Whoever writes a line says
/// what was done, to what and how long it took, and never a value: no query, no header, no body, no parameter.
///
/// ```swift
/// DebugLog.note(.debug, "http", "\(DebugLog.place(request)): 200, \(DebugLog.time(since: began))")
/// ```
public enum DebugLog {
  /// From the fewest lines to the most; each holds those before it.
  public enum Level: Int, Sendable, CaseIterable {
    /// What ended a command.
    case error
    /// Attempts that failed, locks that another run holds.
    case warning
    /// Files that were read, locks, steps.
    case info
    /// HTTP requests, programs, logins, pauses.
    case debug
    /// Statements of databases.
    case trace
  }

  private struct Sink: Sendable {
    let level: Level
    let write: @Sendable (Level, String, String) -> Void
  }

  private static let sink = Mutex<Sink?>(nil)

  /// From now on every line up to `level` is handed to `write`, from any thread, with the room that it comes from.
  public static func open(
    upTo level: Level, _ write: @escaping @Sendable (_ level: Level, _ room: String, _ text: String) -> Void
  ) {
    sink.withLock { $0 = Sink(level: level, write: write) }
  }

  /// Writes a line, when somebody listens at `level`; else `text` is not made.
  public static func note(_ level: Level, _ room: String, _ text: @autoclosure () -> String) {
    guard let sink = sink.withLock({ $0 }), level.rawValue <= sink.level.rawValue else { return }
    sink.write(level, room, text())
  }

  /// `45 ms`
  public static func time(since began: ContinuousClock.Instant) -> String {
    let past = (ContinuousClock.now - began).components
    return "\(past.seconds * 1000 + past.attoseconds / 1_000_000_000_000_000) ms"
  }

  /// `GET api.github.com/user`: no query, nobody's name before the host.
  public static func place(_ request: HTTPRequest) -> String {
    guard let address = URLComponents(string: request.url), let host = address.host else {
      return "\(request.method.rawValue) (no address)"
    }
    return
      "\(request.method.rawValue) \(host)\(address.port.map { ":\($0)" } ?? "")\(address.percentEncodedPath)"
  }

  /// A program's arguments. Of an address neither user nor query is shown, and of a long one only its length: a part of a
  /// secret would not be known as one.
  public static func command(_ arguments: [String]) -> String {
    arguments.map { argument in
      if argument.utf8.count > 500 { return "(\(argument.utf8.count) bytes)" }
      return argument.contains("://") ? withoutUser(argument) : argument
    }.joined(separator: " ")
  }

  /// `https://user:password@host/path?token=…` → `https://…@host/path?…`
  private static func withoutUser(_ argument: String) -> String {
    var result = ""
    var rest = Substring(argument)
    while let mark = rest.firstRange(of: "://") {
      result += rest[..<mark.upperBound]
      rest = rest[mark.upperBound...]
      // A password may hold anything but a blank.
      let end = rest.firstIndex(of: " ") ?? rest.endIndex
      if let at = rest[..<end].lastIndex(of: "@") {
        result += "…"
        rest = rest[at...]
      }
    }
    guard let query = rest.firstIndex(of: "?") else { return result + rest }
    return result + rest[...query] + "…"
  }

  /// The name of a statement: `SELECT FROM pg_catalog.pg_stat_activity`. Literals stand in some (a password's verifier).
  public static func statement(_ text: String) -> String {
    let words = text.split { $0.isWhitespace || $0 == "," || $0 == ";" || $0 == "(" || $0 == ")" }.map(
      String.init)
    func isName(_ word: String) -> Bool { word.utf8.allSatisfy { isLetter($0) || $0 == 0x5F || $0 == 0x2E } }
    var name = Array(words.prefix(1))
    if name.first?.uppercased() == "SELECT", let from = words.firstIndex(where: { $0.uppercased() == "FROM" })
    {
      name += words[from...].prefix(2)
    } else {
      name += words.dropFirst().prefix(1)
    }
    return name.prefix { isName($0) }.joined(separator: " ")
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }
}
