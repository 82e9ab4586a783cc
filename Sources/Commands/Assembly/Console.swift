import Foundation
import Incidents
import JSON
import Response
import Secrets
import Synchronization

/// The terminal (or pipe) in front of the responder. Data goes to standard output, messages to standard error;
/// everything passes the redactor.
final class Console: Sendable {
  /// How to speak.
  struct Style: Sendable {
    var isQuiet = false
    /// Colour never carries meaning by itself.
    var hasColour = false
    /// False: plain ASCII marks.
    var hasUnicode = true
    var width = 80
    /// A person is there to answer.
    var isInteractive = false
    /// Progress lines may be redrawn.
    var isTerminal = false
    /// Messages are one JSON object a line, with `time`, `level`, `source` and `message`.
    var isJSONLog = false
  }

  let style: Style
  let redactor: Redactor
  /// For the log's lines.
  private let now: @Sendable () -> Date
  private let outDescriptor: Int32
  /// Everything that was written so far, when somebody asked for it: a drill looks for secrets in it.
  private let record = Mutex<String?>(nil)
  private let errorDescriptor: Int32

  init(
    style: Style, redactor: Redactor, out: Int32 = STDOUT_FILENO, errors: Int32 = STDERR_FILENO,
    now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.now = now
    self.style = style
    self.redactor = redactor
    outDescriptor = out
    errorDescriptor = errors
  }

  /// From now on everything written is kept for ``transcript``.
  func keepTranscript() { record.withLock { $0 = $0 ?? "" } }

  /// What was written since ``keepTranscript()``.
  var transcript: String { record.withLock { $0 ?? "" } }

  /// A line of data. Of a JSON document only its free text is redacted: programs read the rest.
  func data(_ line: String) {
    guard line.hasPrefix("{") || line.hasPrefix("["), redactor.redact(line) != line,
      let document = document(line)
    else { return write(line + "\n", to: outDescriptor) }
    write(redactor.redact(document: document).canonicalText + "\n", to: outDescriptor, isClean: true)
  }

  /// A line of a document under a digest or a signature: it stays as it is, but for a value that cannot be an ordinary word.
  func signed(_ line: String) {
    guard redactor.redact(line) != line, let document = document(line),
      !redactor.holdsSecret(document: document)
    else { return data(line) }
    write(line + "\n", to: outDescriptor, isClean: true)
  }

  /// Nil for a line that only looks like JSON: it is redacted as text.
  private func document(_ line: String) -> JSONValue? {
    do { return try JSONValue(parsing: line, limits: .own) } catch { return nil }
  }

  /// A line of message; silent with `--quiet`.
  func say(_ line: String = "") { say(line, [:]) }

  /// - Parameter fields: what a log keeps apart, for example the delivery's id; not shown to people, who read the line.
  func say(_ line: String, _ fields: [String: String]) {
    guard !style.isQuiet else { return }
    message(line, level: "info", fields)
  }

  /// An error; never silent.
  func fail(_ text: String) { message(text, level: "error", [:]) }

  private func message(_ text: String, level: String, _ fields: [String: String]) {
    guard style.isJSONLog else { return write(text + "\n", to: errorDescriptor) }
    guard !text.isEmpty else { return }
    // Redacted as text: a JSON document's own words would not be looked at.
    var members = fields.mapValues { JSONValue.string(readable($0)) }
    members["time"] = .string(Timestamp.text(now()))
    members["level"] = .string(level)
    members["source"] = "worker"
    members["message"] = .string(readable(text))
    write(JSONValue.object(members).canonicalText + "\n", to: errorDescriptor, isClean: true)
  }

  private func readable(_ text: String) -> String {
    redactor.redact(text).replacing("\0", with: "\u{FFFD}")
  }

  /// A line of the debug log; never silent: somebody asked for it.
  func log(_ line: String) {
    endTransient()
    message(line, level: "debug", [:])
  }

  /// Redraws the last line on a terminal; does nothing elsewhere.
  func transient(_ line: String) {
    guard style.isTerminal, !style.isQuiet else { return }
    write("\r\u{1B}[K" + line.prefix(max(10, style.width - 1)), to: errorDescriptor)
  }

  /// Ends a redrawn line.
  func endTransient() {
    guard style.isTerminal, !style.isQuiet else { return }
    write("\r\u{1B}[K", to: errorDescriptor)
  }

  /// Asks on the terminal.
  /// - Returns: the trimmed answer; nil when the input ended.
  func ask(_ question: String) -> String? {
    write(question + " ", to: errorDescriptor)
    return readLine(strippingNewline: true)?.trimmingCharacters(in: .whitespaces)
  }

  enum Tone: String { case good = "32", bad = "31", wait = "33", strong = "1", faint = "2" }

  /// `text`, coloured where colour is on.
  func toned(_ text: String, _ tone: Tone) -> String {
    style.hasColour ? "\u{1B}[\(tone.rawValue)m\(text)\u{1B}[0m" : text
  }

  private func write(_ text: String, to descriptor: Int32, isClean: Bool = false) {
    let clean = isClean ? text : redactor.redact(text)
    record.withLock { kept in if kept != nil { kept?.append(clean) } }
    var bytes = Array(clean.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }  // a closed pipe: nobody reads any more
      bytes = bytes.dropFirst(count)
    }
  }
}

/// As in ``Response``: for the many lines of commands.
func harmless(_ text: String) -> String { Response.harmless(text) }
