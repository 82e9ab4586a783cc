import Capabilities
import Foundation
import Journal
import Response
import Secrets

/// The only place that reads environment, home, clock and terminal. Commands get everything from here.
struct Assembly: Sendable {
  /// ``GlobalOptions`` as plain values: a bare `staunch` has none to parse.
  struct Options: Sendable {
    var config: String?
    var json = false
    var quiet = false
    var plain = false
    var noColor = false
    var noInput = false
    var logLevel: LogLevel?
    /// Messages as one JSON object a line: for a log that others read, too.
    var hasJSONLog = false
  }

  var options: Options
  let console: Console
  let redactor: Redactor
  /// `$STAUNCH_STATE`, else `$XDG_STATE_HOME/staunch`, else `~/.local/state/staunch`.
  var statePath: String
  let environment: [String: String]
  let home: String
  var workingDirectory: String
  /// The wall clock; a test has its own.
  var clock: @Sendable () -> Date = { Date() }

  /// - Parameter redactor: one that knows secrets already.
  init(options: Options, redactor: Redactor = Redactor()) {
    let environment = ProcessInfo.processInfo.environment
    let home = environment["HOME"] ?? NSHomeDirectory()
    self.options = options
    self.environment = environment
    self.home = home
    self.redactor = redactor
    workingDirectory = FileManager.default.currentDirectoryPath
    console = Console(style: Assembly.style(options, environment), redactor: redactor)
    statePath = Assembly.statePath(environment, home)
  }

  /// The wall clock.
  @Sendable func now() -> Date { clock() }

  /// Somebody chose the directory: when it is not there, that is a mistake and no new beginning.
  private var isStateNamed: Bool {
    environment["STAUNCH_STATE"].map { !$0.isEmpty } ?? false
  }

  private static func statePath(_ environment: [String: String], _ home: String) -> String {
    if let path = environment["STAUNCH_STATE"], !path.isEmpty { return path }
    if let base = environment["XDG_STATE_HOME"], !base.isEmpty { return base + "/staunch" }
    return home + "/.local/state/staunch"
  }

  /// The state directory; made when it is missing, which is said where somebody named it: it may be a slip of the finger.
  func state() throws -> StateDirectory {
    let isNew = isStateNamed && !FileManager.default.fileExists(atPath: statePath)
    let state = try StateDirectory(statePath)
    if isNew { console.say("a new state directory: nothing was at \(harmless(statePath)) (STAUNCH_STATE)") }
    return state
  }

  /// The journal, for writing. `at` names another state directory (a drill's own).
  ///
  /// - Parameter isDrill: refuses the other kind of journal; nil takes the one that is there (notes, drafts).
  func journal(at path: String? = nil, isDrill expected: Bool? = nil) throws -> Journal {
    let state = try StateDirectory(path ?? statePath)
    var isDrill = false
    if let expected {
      isDrill = expected
    } else if let found = try state.journalForReading() {
      isDrill = found.header.isDrill
    }
    let journal = try Journal.open(
      path: state.journalPath, keys: try state.keys(), isDrill: isDrill,
      settings: JournalSettings(now: clock, redactor: redactor))
    if journal.valuesUnknownToRedactor > 0 {
      console.say(
        "warning: \(journal.valuesUnknownToRedactor) sealed values do not open with this operator.key: text that holds one "
          + "cannot be recognised. Restore operator.key from a backup")
    }
    for incident in try LeakedValueRetention(journal: journal).destroyDue(now: now()) {
      console.say("\(incident): its time is over; the key of its leaked value was destroyed")
    }
    return journal
  }

  /// The journal, for reading; nil when nothing has run here yet.
  ///
  /// - Throws: exit 69 when the directory that `STAUNCH_STATE` names is not there, cannot be read, or has lost its journal:
  ///   none of these is "no incident".
  func journalForReading() throws -> Journal? {
    guard let state = try StateDirectory.existing(statePath) else {
      guard !isStateNamed else {
        throw CommandFailure(
          .unavailable, "there is no state directory \(harmless(statePath))",
          because: "STAUNCH_STATE names it and nothing is there",
          fix: "correct STAUNCH_STATE; to begin a new one there: mkdir -m 700 -p \(harmless(statePath))")
      }
      return nil
    }
    return try state.journalForReading()
  }

  /// The journal, for a command that needs one. - Throws: exit 69 when nothing has run here yet.
  func existingJournal() throws -> Journal {
    if let journal = try journalForReading() { return journal }
    throw CommandFailure(
      .unavailable, "there is no journal in \(harmless(statePath))", because: "nothing has run here yet",
      fix: "name another state directory: STAUNCH_STATE=DIR")
  }

  /// `length` random letters, for ids.
  static func randomName(_ length: Int) -> String { RandomName.of(length) }

  private static func style(_ options: Options, _ environment: [String: String]) -> Console.Style {
    let isTerminal = isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb"
    // Colour goes to standard output: `show X > file` must not write escapes into the file.
    let isOutTerminal = isatty(STDOUT_FILENO) == 1 && environment["TERM"] != "dumb"
    let locale = environment["LC_ALL"] ?? environment["LC_CTYPE"] ?? environment["LANG"] ?? ""
    let isUTF8 = locale.lowercased().contains("utf-8") || locale.lowercased().contains("utf8")
    return Console.Style(
      isQuiet: options.quiet,
      hasColour: isOutTerminal && !options.noColor && environment["NO_COLOR", default: ""].isEmpty
        && !options.plain,
      hasUnicode: !options.plain && isUTF8,
      width: environment["COLUMNS"].flatMap(Int.init) ?? terminalWidth() ?? 80,
      isInteractive: !options.noInput && isatty(STDIN_FILENO) == 1 && isTerminal,
      isTerminal: isTerminal && !options.plain && !options.hasJSONLog, isJSONLog: options.hasJSONLog)
  }

  private static func terminalWidth() -> Int? {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}
