import Foundation
import Incidents
import JSON
import Logging
import Synchronization

/// How the log is written: `--log-format`.
public enum LogFormat: String, Sendable, CaseIterable {
  /// `2026-11-30T18:20:11.123Z warning refused client=192.0.2.7 request=4f0a because="…"`
  case text
  /// One JSON object a line with `time`, `level`, `source`, `message`, and what else is known as members.
  case json
}

/// Writes one line for each message on standard error. What it is told goes in escaped, so that no sender writes a line of his own.
struct LineLog: LogHandler {
  let format: LogFormat
  let write: @Sendable (String) -> Void
  let now: @Sendable () -> Date
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  /// - Parameter write: takes a line with its end.
  init(
    format: LogFormat, now: @escaping @Sendable () -> Date,
    write: @escaping @Sendable (String) -> Void = LineLog.standardError
  ) {
    self.format = format
    self.now = now
    self.write = write
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields = metadata.merging(event.metadata ?? [:]) { _, new in new }.mapValues { "\($0)" }
    if let error = event.error { fields["error"] = "\(error)" }
    let time = Timestamp.text(now())
    switch format {
    case .json:
      var members = fields.mapValues { JSONValue.string(LineLog.readable($0)) }
      members["time"] = .string(time)
      members["level"] = .string(event.level.rawValue)
      members["source"] = "receiver"
      members["message"] = .string(LineLog.readable("\(event.message)"))
      write(JSONValue.object(members).canonicalText + "\n")
    case .text:
      let rest = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\(LineLog.word($0.value))" }.joined()
      write("\(time) \(event.level.rawValue) \(LineLog.visible("\(event.message)"))\(rest)\n")
    }
  }

  /// Nobody reads any more: then nothing is written, and the work goes on.
  @Sendable static func standardError(_ line: String) {
    var bytes = Array(line.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Our JSON refuses U+0000.
  private static func readable(_ text: String) -> String { text.replacing("\0", with: "\u{FFFD}") }

  /// A value as one word, or in quotes.
  private static func word(_ text: String) -> String {
    let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D }
    return isPlain ? text : "\"" + visible(text).replacing("\"", with: "'") + "\""
  }

  /// One line without control and direction characters.
  private static func visible(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar.value {
          case 0...0x1F, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069, 0x2028, 0x2029: "\u{FFFD}"
          default: scalar
          }
        }))
  }
}
