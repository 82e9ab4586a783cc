public import Secrets

/// Where and as whom to connect to a database.
public struct SQLLogin: Sendable {
  public var host: String
  /// The numeric address to connect to, one of ``host``'s; nil: whichever answers first.
  public var address: String?
  public var port: Int
  public var database: String
  public var user: String
  public var password: Secret?
  /// libpq's words: `disable`, `prefer`, `require`, `verify-full`.
  public var tls: String
  /// A PEM file of the authorities that `verify-full` believes; nil: the machine's own.
  public var certificateAuthorities: String?
  /// The server may ask for the password's MD5: Redshift knows nothing better. Whoever sets it has seen to it that the
  /// connection is verified, or ends on this machine.
  public var takesMD5 = false
  public var timeout: Duration
  public init(
    host: String, port: Int, database: String, user: String, password: Secret?, tls: String = "prefer",
    timeout: Duration = .seconds(10)
  ) {
    self.host = host
    self.port = port
    self.database = database
    self.user = user
    self.password = password
    self.tls = tls
    self.timeout = timeout
  }
}

/// How one attempt to log in ended.
public enum LoginOutcome: Sendable, Hashable {
  case accepted
  /// The server took the credentials and said no. `code` is the SQLSTATE or the server's own word.
  case rejected(code: String)
  /// The password was accepted, and what comes behind it was refused: no such database, no right to connect to it, no
  /// connection left.
  case admitted(code: String)
  /// Anything else: no route, TLS, no password asked.
  case undecided(code: String)

  /// Somebody is let in, whatever the password.
  public static let noPasswordAsked = LoginOutcome.undecided(code: "the server asked for no password")
  /// The password was not sent: it would have been shown.
  public static let weakAuthentication = LoginOutcome.undecided(
    code: "the server asks for the password in clear or for its MD5")
}

/// A connected session; closed by `close()` (or when it is released).
public protocol SQLSession: Sendable {
  /// Runs one read-only statement inside `BEGIN READ ONLY`. `$1 …` take `parameters`.
  /// - Returns: rows of columns as text; nil for NULL.
  func query(_ statement: String, _ parameters: [String?]) async throws(CapabilityError) -> [[String?]]
  /// Runs one statement that changes something. - Returns: rows, as in `query`.
  func execute(_ statement: String, _ parameters: [String?], under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> [[String?]]
  /// The SCRAM-SHA-256 verifier of `password` for `user`, computed here: the plaintext never reaches the server.
  func passwordVerifier(for password: Secret, user: String) async throws(CapabilityError) -> String
  /// `name` quoted as an identifier by the server's own rules.
  func quotedIdentifier(_ name: String) throws(CapabilityError) -> String
  /// `text` quoted as a literal by the server's own rules.
  func quotedLiteral(_ text: String) throws(CapabilityError) -> String
  func close() async
}

/// Opens sessions with one database product.
public protocol SQLConnector: Sendable {
  func connect(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession
  /// Tries to log in and hangs up at once. Read only. Never throws for a refusal: that is the answer.
  func tryLogin(_ login: SQLLogin) async -> LoginOutcome
  /// Every numeric address behind a name; empty for a socket, an address, or this machine's own name.
  /// - Throws: `.network` when the name cannot be resolved.
  func addresses(of host: String) async throws(CapabilityError) -> [String]
}

extension SQLConnector {
  /// A connector that knows no names: the host is asked as it is.
  public func addresses(of host: String) async throws(CapabilityError) -> [String] { [] }
}
