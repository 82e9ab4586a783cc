public import JSON
public import Secrets

/// Where and as whom to connect to a Redis server.
public struct RedisLogin: Sendable {
  /// A host name, an address, or the path of a unix socket.
  public var host: String
  /// The numeric address to connect to, one of ``host``'s; nil: whichever answers first.
  public var address: String?
  public var port: Int
  /// `default` for what a server calls `requirepass`.
  public var user: String
  /// nil: no login, for a Sentinel that asks for none.
  public var password: Secret?
  /// nil: without TLS.
  public var tls: TLS?
  public var timeout: Duration

  /// Whom to believe.
  public struct TLS: Sendable, Hashable {
    /// What the certificate must hold: a host name or an address.
    public let name: String
    /// A PEM file of the authorities, or of the server's own certificate; nil: the machine's own list.
    public let authorities: String?
    /// A PEM file of the runner's client certificate; nil: it shows none.
    public let certificate: String?
    /// A PEM file of its key; nil: it is in the same file.
    public let key: String?
    public init(name: String, authorities: String?, certificate: String? = nil, key: String? = nil) {
      self.name = name
      self.authorities = authorities
      self.certificate = certificate
      self.key = key
    }
  }

  public init(
    host: String, port: Int, user: String, password: Secret?, tls: TLS?, timeout: Duration = .seconds(10)
  ) {
    self.host = host
    self.port = port
    self.user = user
    self.password = password
    self.tls = tls
    self.timeout = timeout
  }

  /// `cache-1:6379`, or the path of the socket; the address where one was chosen.
  public var place: String { host.hasPrefix("/") ? host : "\(address ?? host):\(port)" }
}

/// A command that only looks. A session runs nothing else without an authority, and there is no other way to make one.
/// Source: https://redis.io/docs/latest/commands/
public struct RedisQuestion: Sendable, Hashable {
  public let words: [String]
  private init(_ words: [String]) { self.words = words }

  /// `ACL GETUSER`; null where there is no such user.
  public static func user(_ name: String) -> Self { Self(["ACL", "GETUSER", name]) }
  /// `ACL DRYRUN` (Redis 7): whether the user may run `command`, which is not run.
  public static func rehearsal(_ user: String, _ command: [String]) -> Self {
    Self(["ACL", "DRYRUN", user] + command)
  }
  /// `CLIENT LIST`; lines.
  public static let connections = Self(["CLIENT", "LIST"])
  /// `COMMAND INFO`; a list, null for a command that is not there.
  public static func commands(_ names: [String]) -> Self { Self(["COMMAND", "INFO"] + names) }
  /// `MODULE LIST`.
  public static let modules = Self(["MODULE", "LIST"])
  /// `CONFIG GET` of one parameter.
  public static func parameter(_ name: String) -> Self { Self(["CONFIG", "GET", name]) }
  /// `INFO` of several sections (Redis 7); lines of `name:value`.
  public static func facts(_ sections: String...) -> Self { Self(["INFO"] + sections) }
  /// `CLUSTER NODES`; lines.
  public static let clusterNodes = Self(["CLUSTER", "NODES"])
  /// `SENTINEL MASTER`.
  public static func sentinelMaster(_ name: String) -> Self { Self(["SENTINEL", "MASTER", name]) }
  /// `SENTINEL REPLICAS`.
  public static func sentinelReplicas(_ name: String) -> Self { Self(["SENTINEL", "REPLICAS", name]) }

  /// `ACL GETUSER`, for messages.
  public var name: String { words.prefix(2).joined(separator: " ") }
}

/// One answer.
public enum RedisReply: Sendable, Hashable {
  case value(JSONValue)
  /// The first word of the server's error: `WRONGPASS`, `NOPERM`, `ERR` …; its text may quote values.
  case error(String)

  /// The members of a map, which RESP2 writes as a list of names and values; nil: it is none.
  public var members: [String: JSONValue]? {
    guard case .value(let value) = self else { return nil }
    return Self.members(of: value)
  }

  public static func members(of value: JSONValue) -> [String: JSONValue]? {
    if let members = value.object { return members }
    guard let list = value.array, list.count.isMultiple(of: 2) else { return nil }
    var members: [String: JSONValue] = [:]
    for index in stride(from: 0, to: list.count, by: 2) {
      guard let name = list[index].string else { return nil }
      members[name] = list[index + 1]
    }
    return members
  }

  /// What the error `word` to `operation` means for the runner.
  public static func failure(_ word: String, _ operation: String, fix: String? = nil) -> CapabilityError {
    let isRefusal = ["WRONGPASS", "NOAUTH", "NOPERM"].contains(word)
    return CapabilityError(
      isRefusal ? .refused : ["LOADING", "BUSY", "TRYAGAIN"].contains(word) ? .serverError : .invalid,
      operation,
      because: "the server answered \(word)",
      fix: isRefusal ? fix ?? "check the user, its password and its rights in staunch.yaml" : nil)
  }

  /// The lines of a text, without empty ones; nil: it is none.
  public var lines: [String]? {
    guard case .value(.string(let text)) = self else { return nil }
    return text.split(whereSeparator: \.isNewline).map(String.init)
  }
}

/// A connection on which one user has logged in; closed by `close()`, or when it is released.
public protocol RedisSession: Sendable {
  /// - Returns: an answer for each question, in order.
  /// - Throws: `.network`, `.timeout`, `.cancelled`; `.serverError` for what is no answer in Redis's protocol.
  func ask(_ questions: [RedisQuestion]) async throws(CapabilityError) -> [RedisReply]
  /// Runs commands that change something, all of them, whatever the server says to one.
  /// - Throws: as ``ask(_:)``; `.unknownOutcome` once something was sent.
  func change(_ commands: [[String]], under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> [RedisReply]
  func close() async
}

/// Opens sessions with Redis servers and Sentinels.
public protocol RedisConnector: Sendable {
  /// - Throws: `.refused` when the server rejects the login, `.unsafe` when it is not the one that was meant (it was told
  ///   nothing), `.network` when there is no connection, `.timeout`, `.cancelled`.
  func connect(_ login: RedisLogin) async throws(CapabilityError) -> any RedisSession
  /// Tries to log in on a connection of its own and hangs up at once. Read only. Never throws: a refusal is the answer.
  ///
  /// Only WRONGPASS is a rejection; it also comes for a user that is not there or is off.
  func tryLogin(_ login: RedisLogin) async -> LoginOutcome
  /// Every numeric address behind a name; empty for a socket, an address, or this machine's own name.
  /// - Throws: `.network` when the name cannot be resolved.
  func addresses(of host: String) async throws(CapabilityError) -> [String]
}
