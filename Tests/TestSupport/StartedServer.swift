import Foundation

/// A real server in a directory of its own, with free ports of loopback; it and its children get SIGKILL at the end.
///
/// What a script gets: `$1` the directory, then the ports. It starts each process in a group of its own (`setsid`), waits until the
/// server answers, and calls `running VERSION PID…`, or `failed LOG PID…`.
public final class StartedServer: Sendable {
  public let directory: TemporaryDirectory
  public let ports: [Int]
  /// What the server says of itself.
  public let version: String
  private let server: SupervisedServer

  public var url: String { "http://127.0.0.1:\(ports[0])" }

  private static let functions = """
    end() { for leader in "$@"; do kill -s KILL -- "-$leader" 2>/dev/null; done; wait; }
    running() { echo "ready $1"; shift; cat >/dev/null; end "$@"; }
    failed() { tail -c 2000 "$1" >&2; shift; end "$@"; exit 1; }
    answers() { curl -sS --retry "${2:-60}" --retry-delay 1 --retry-connrefused --retry-all-errors --max-time "${2:-60}" \\
      --fail -o /dev/null "$1" 2>/dev/null; }

    """

  /// - Parameters:
  ///   - name: as docs/TESTED.md has it. The log of the tests says which version was started.
  ///   - ports: how many it needs.
  ///   - files: what it reads at its start, by name in the directory; they are made from directory and ports.
  public init(
    _ name: String, _ script: String, ports count: Int, environment: [String: String] = [:],
    files: (_ directory: String, _ ports: [Int]) -> [String: String] = { _, _ in [:] }
  ) throws {
    directory = try TemporaryDirectory()
    var started: (SupervisedServer, [Int])?
    var lastError: any Error = SupervisedServer.Failure(description: "not tried")
    for _ in 0..<3 where started == nil {
      let ports = try (0..<count).map { _ in try SupervisedServer.freePort() }
      for (file, text) in files(directory.path, ports) {
        try text.write(toFile: directory.path(file), atomically: true, encoding: .utf8)
        // Some refuse a secret that others could read.
        try FileManager.default.setAttributes(
          [.posixPermissions: 0o600], ofItemAtPath: directory.path(file))
      }
      do {
        started = (
          try SupervisedServer(
            Self.functions + script, arguments: [directory.path] + ports.map { "\($0)" },
            environment: environment.merging(["HOME": directory.path]) { own, _ in own }), ports
        )
      } catch {
        lastError = error  // perhaps somebody else took a port
      }
    }
    guard let started else { throw lastError }
    (server, ports) = started
    version = server.announcement
    print("WORLD \(name) \(version)")
  }

  /// Ends it at once.
  public func stop() { server.stop() }
}
