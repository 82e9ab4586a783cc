/// A place that a drill may talk to: a port of this machine's loopback. There is no way to make one for another host,
/// so nothing that takes a `SandboxEndpoint` can reach production.
public struct SandboxEndpoint: Sendable, Hashable, CustomStringConvertible {
  /// From 1 to 65535.
  public let port: Int

  public init(port: Int) { self.port = port }

  public var host: String { "127.0.0.1" }
  /// `http://127.0.0.1:<port>`, without a trailing slash.
  public var url: String { "http://\(host):\(port)" }
  public var description: String { "\(host):\(port)" }
}
