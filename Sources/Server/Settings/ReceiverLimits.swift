/// How much the endpoint gives to whoever connects. The defaults are the limits of docs/RECEIVER.md.
public struct ReceiverLimits: Sendable, Hashable {
  /// All header fields of a request, bytes.
  public var headerBytes = 16 << 10
  public var headerFields = 64
  /// A body, bytes.
  public var bodyBytes = 1 << 20
  /// A body of GitHub and of a report upload, bytes.
  public var largeBodyBytes = 25 << 20
  /// Bodies in memory, of all requests together, bytes.
  public var heldBytes = 128 << 20
  /// What stays free on the disk of the exchange file, bytes.
  public var reserveBytes = 256 << 20
  public var handshakeSeconds = 5.0
  public var headerSeconds = 5.0
  public var bodySeconds = 10.0
  public var largeBodySeconds = 60.0
  /// A body that comes slower is cut off. Bytes a second.
  public var slowestRate = 1024
  /// How often the rate is looked at.
  public var rateSeconds = 2.0
  /// Between two requests of a connection.
  public var idleSeconds = 30.0
  /// For the client to take a piece of an answer.
  public var takeSeconds = 30.0
  /// Requests of one connection that are not answered yet; whoever sends more ahead is cut off.
  public var ahead = 16
  /// For the work of one request, after its body has come.
  public var answerSeconds = 2.5
  public var connections = 256
  public var connectionsPerClient = 16
  /// Requests being worked on.
  public var inFlight = 64
  /// Requests a second and route.
  public var rate = 20.0
  public var burst = 100.0

  public init() {}

  /// Every limit by its name in the file.
  static let names: [(String, @Sendable (inout ReceiverLimits, Double) -> Void)] = [
    ("header_bytes", { $0.headerBytes = Int($1) }), ("header_fields", { $0.headerFields = Int($1) }),
    ("body_bytes", { $0.bodyBytes = Int($1) }), ("large_body_bytes", { $0.largeBodyBytes = Int($1) }),
    ("held_bytes", { $0.heldBytes = Int($1) }), ("reserve_bytes", { $0.reserveBytes = Int($1) }),
    ("handshake_seconds", { $0.handshakeSeconds = $1 }),
    ("header_seconds", { $0.headerSeconds = $1 }), ("body_seconds", { $0.bodySeconds = $1 }),
    ("large_body_seconds", { $0.largeBodySeconds = $1 }), ("slowest_rate", { $0.slowestRate = Int($1) }),
    ("rate_seconds", { $0.rateSeconds = $1 }), ("idle_seconds", { $0.idleSeconds = $1 }),
    ("take_seconds", { $0.takeSeconds = $1 }), ("ahead", { $0.ahead = Int($1) }),
    ("answer_seconds", { $0.answerSeconds = $1 }), ("connections", { $0.connections = Int($1) }),
    ("connections_per_client", { $0.connectionsPerClient = Int($1) }),
    ("in_flight", { $0.inFlight = Int($1) }),
    ("rate", { $0.rate = $1 }), ("burst", { $0.burst = $1 }),
  ]
}
