import Capabilities

/// A five-character SQLSTATE and what it means for the caller. Texts of the server are localised and may quote values,
/// so they are neither parsed nor shown. Source: https://www.postgresql.org/docs/15/errcodes-appendix.html
struct SQLState: Equatable {
  let code: String

  init?(_ text: String) {
    guard text.utf8.count == 5,
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) })
    else { return nil }
    code = text
  }

  /// The code that libpq, told to write codes only (`PQERRORS_SQLSTATE`), puts at the end of a connection's error.
  init?(connectionMessage message: String) {
    guard let line = message.split(separator: "\n").last(where: { !$0.isEmpty }),
      let word = line.split(separator: " ").last
    else { return nil }
    self.init(String(word))
  }

  /// The server asked for a password, got it and said no.
  var isRejectedLogin: Bool { code == "28P01" || code == "28000" }

  /// What a server says behind the password, once it asked for one: too many connections, no such database, no CONNECT,
  /// a database that takes no connections, a library that is not there (`local_preload_libraries`, which whoever owns the
  /// database may pre-set, so that nobody could tell any more whether a password is accepted).
  /// Source: InitPostgres in postinit.c, which authenticates first; process_session_preload_libraries after it.
  var isAfterPassword: Bool { ["53300", "3D000", "42501", "55000", "58P01"].contains(code) }

  var errorClass: CapabilityError.Class {
    switch code {
    case "28P01", "28000", "42501": .refused
    case "42704", "3D000", "42P01": .notFound
    case "42710", "40001", "40P01", "55006", "2BP01": .conflict
    case "25006": .unsafe
    case "53300", "53400": .rateLimit
    case "57014", "55P03": .timeout
    case "57P01", "57P02", "57P03", "58000", "58030", "XX000", "53100", "53200": .serverError
    default: .invalid
    }
  }

  /// The condition's name and, where it helps, what to do.
  var meaning: (because: String, fix: String?) {
    switch code {
    case "28P01":
      ("the server rejected the password", "check the user's password and its reference in staunch.yaml")
    case "28000": ("the server does not let this user in", "check LOGIN of the role and pg_hba.conf")
    case "42501":
      ("the user may not do this", "grant CREATEROLE, pg_signal_backend and pg_read_all_stats to it")
    case "42704": ("no such role or object", "check the name in staunch.yaml")
    case "3D000": ("no such database", "check \"database\" in staunch.yaml")
    case "53300": ("the server has no free connection", "raise max_connections or end idle sessions")
    case "25006": ("a statement that only reads tried to write", nil)
    case "57014": ("the server cancelled the statement (time limit)", nil)
    case "55P03": ("a lock was not available", nil)
    case "57P01", "57P02", "57P03": ("the server is starting up or shutting down", "wait and repeat")
    case "53100": ("the server's disk is full", "free space on the server")
    case "58P01":
      (
        "a library that this user or database pre-sets is not there",
        "see who set it (\\drds in psql) and RESET it: local_preload_libraries, session_preload_libraries"
      )
    default: ("the server reported an error", nil)
    }
  }

  func error(_ operation: String) -> CapabilityError {
    let (because, fix) = meaning
    return CapabilityError(errorClass, operation, because: "\(because) (SQLSTATE \(code))", fix: fix)
  }
}
