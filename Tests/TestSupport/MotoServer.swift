import Foundation

/// moto, an emulator of AWS that is not ours: what MiniStack has not (Redshift, the limit of two keys). It checks no signature.
public final class MotoServer: Sendable {
  public let url: String
  private let server: SupervisedServer

  public init() throws {
    server = try SupervisedServer(Self.script, arguments: [])
    url = "http://127.0.0.1:\(server.announcement)"
  }

  /// Stops it at once.
  public func stop() { server.stop() }

  private static let script = """
    exec python3 -c '
    import sys
    from moto.server import ThreadedMotoServer
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print("ready", server.get_host_and_port()[1], flush=True)
    sys.stdin.read()
    server.stop()
    '
    """
}
