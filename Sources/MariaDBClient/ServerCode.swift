import Capabilities

/// An error's number and what it means for the caller. Texts of the server are localised and may quote values, so they
/// are neither parsed nor shown. 2000–2999 and 5000–5999 are the library's own.
/// Source: https://mariadb.com/kb/en/mariadb-error-codes/
struct ServerCode: Equatable, Sendable {
  let number: UInt32
  init(_ number: UInt32) { self.number = number }

  var code: String { "\(number)" }

  /// The password was right, and the account is locked (MariaDB, MySQL).
  var isLocked: Bool { number == 4151 || number == 3118 }

  /// What a server says behind the password: no such database, no right to it, no connection of this user left, a
  /// password that has to be changed.
  var isAfterPassword: Bool { [1044, 1049, 1203, 1226, 1862].contains(number) }

  /// The connection is gone.
  var isLost: Bool { [2006, 2013, 2055, 5014].contains(number) }

  var errorClass: CapabilityError.Class {
    switch number {
    case 1044, 1045, 1095, 1142, 1143, 1227, 1698, 4151, 3118, 1862, 1820: .refused
    case 1049, 1094, 1133, 1141, 1146, 1396: .notFound
    case 1205, 1213: .conflict
    case 1792: .unsafe
    case 1040, 1203, 1226: .rateLimit
    case 1053, 1927, 1021, 1037, 1038: .serverError
    case 1317, 1969, 3024: .timeout
    case 2002...2006, 2013, 2026, 2055, 1129, 1130, 5014: .network
    default: .invalid
    }
  }

  /// The condition's name and, where it helps, what to do.
  var meaning: (because: String, fix: String?) {
    switch number {
    case 1045:
      ("the server rejected the login", "check the user, its password and its reference in staunch.yaml")
    case 1698: ("the server lets this user in by another means than a password", nil)
    case 4151, 3118: ("the account is locked", "ALTER USER … ACCOUNT UNLOCK")
    case 1820, 1862: ("the account's password has expired", "set another: ALTER USER")
    case 1044, 1142, 1143, 1227, 1095:
      (
        "the user may not do this",
        "grant CREATE USER, PROCESS, CONNECTION ADMIN ON *.* and SELECT ON mysql.* to it"
      )
    case 1049: ("no such database", nil)
    case 1133, 1141, 1396: ("no such user at this host, or the statement cannot be used on it", nil)
    case 1094: ("no such connection", nil)
    case 1040: ("the server has no free connection", "raise max_connections or end idle sessions")
    case 1203, 1226: ("the user has no connection left", "see MAX_USER_CONNECTIONS of the user")
    case 1129: ("the server blocks this machine after too many broken connections", "FLUSH HOSTS")
    case 1130: ("the server lets nobody in from this machine", "see the host part of its users")
    case 1290:
      (
        "the server forbids it: a password validation plugin wants passwords in clear, or it only reads",
        "SET GLOBAL strict_password_validation = OFF, or run it at the primary"
      )
    case 1792: ("a statement that only reads tried to write", nil)
    case 1205, 1213: ("a lock was not available", nil)
    case 2026:
      (
        "TLS failed: the server has none, or its certificate is not believed or is of another name",
        "see tls_ca and host in staunch.yaml, and that the server has a certificate (SHOW VARIABLES LIKE 'have_ssl')"
      )
    case 5010:
      (
        "the server asks for the password in a way that shows it or that this machine's library does not have",
        "use tls: verify-full; for ed25519 the library's plugin client_ed25519 must be installed"
      )
    case 2002...2006, 2013, 2055, 5014: ("no connection to the server", "check that it is up")
    default: ("the server reported an error", nil)
    }
  }

  func error(_ operation: String) -> CapabilityError {
    let (because, fix) = meaning
    return CapabilityError(errorClass, operation, because: "\(because) (error \(number))", fix: fix)
  }
}
