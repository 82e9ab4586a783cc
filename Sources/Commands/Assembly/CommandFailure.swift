import Capabilities
import Drills
import StaunchConfiguration
import Execution
import Inbox
import JSON
import Journal
import Playbooks

/// What a command says when it cannot go on: what failed, why, and the next command.
struct CommandFailure: Error, Sendable {
  let status: ExitStatus
  let what: String
  let because: String
  /// The next command or edit.
  let fix: String?

  init(_ status: ExitStatus, _ what: String, because: String, fix: String? = nil) {
    self.status = status
    self.what = what
    self.because = because
    self.fix = fix
  }

  init(_ error: CapabilityError) {
    let status: ExitStatus =
      switch error.class {
      case .configuration: .configuration
      case .invalid, .notFound: .invalidInput
      case .network, .rateLimit, .serverError, .timeout, .conflict, .refused: .unavailable
      case .unsafe: .declined
      case .cancelled: .interrupted
      case .awaitsPerson: .waiting
      case .unknownOutcome, .unsupported: .failed
      }
    self.init(status, error.operation, because: error.because, fix: error.fix)
  }

  init(_ error: JournalError) {
    let status: ExitStatus =
      switch error.code {
      case .missing, .notAJournal, .newer, .corrupt, .altered, .readOnly, .diskFull, .inputOutput, .busy,
        .permissions,
        .locked, .superseded:
        .unavailable
      case .notFound, .invalid: .invalidInput
      case .shredded, .unsealable: .failed
      }
    self.init(status, error.operation, because: error.because, fix: error.fix)
  }

  init(_ error: InboxError) {
    let status: ExitStatus =
      switch error.code {
      case .notAnInbox, .newer, .corrupt, .readOnly, .diskFull, .inputOutput, .busy, .late, .key: .unavailable
      case .notFound, .invalid: .failed
      }
    self.init(
      status, error.operation, because: error.because,
      fix: error.fix ?? "staunch doctor, then the same command")
  }

  init(_ error: ExecutionError) {
    if let underlying = error.underlying {
      self.init(underlying)
      return
    }
    let status: ExitStatus =
      switch error.code {
      case .input: .usage
      case .playbook, .plan, .run: .invalidInput
      case .approval, .drift: .declined
      case .journal: .unavailable
      }
    self.init(status, error.operation, because: error.because, fix: error.fix)
  }

  init(_ error: DrillError) {
    let status: ExitStatus =
      switch error.code {
      case .scenario: .invalidInput
      case .sandbox, .file: .unavailable
      case .production: .declined
      }
    self.init(status, error.operation, because: error.because, fix: error.fix)
  }

  init(_ error: ConfigurationError) {
    self.init(
      .configuration, "the configuration cannot be used", because: "\(error)",
      fix: "correct it, then: staunch doctor")
  }

  init(_ error: PlaybookError) {
    self.init(
      .invalidInput, "the playbook cannot be used", because: "\(error)",
      fix: "correct it; staunch playbook lint looks at it again")
  }

  /// A blank is no word of a person's, and `-` is no standard input: the journal would keep either for ever.
  static func checkWords(_ text: String, as name: String) throws {
    guard !text.contains(where: { !$0.isWhitespace && $0 != "-" }) else { return }
    throw CommandFailure(
      .usage, "\(name) says nothing", because: "it stands in the journal, and the post-mortem quotes it",
      fix: "the same command with the words themselves, in quotes")
  }

  /// `{"schema":1,"error":{"status","what","because","fix"}}`.
  var json: JSONValue {
    [
      "schema": 1,
      "error": [
        "status": .integer(Int(status.rawValue)), "what": .string(what), "because": .string(because),
        "fix": fix.map { .string($0) } ?? .null,
      ],
    ]
  }

  /// Three lines; the fix, the most important one, last.
  var message: String {
    var lines = ["error: \(what)", "  because: \(because)"]
    if let fix { lines.append("  fix: \(fix)") }
    return lines.joined(separator: "\n")
  }
}
