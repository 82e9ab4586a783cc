import Foundation
public import Secrets

/// A real Sentinel on loopback that asks for no login and watches `mymaster`.
public final class RedisSentinel: Sendable {
  public let port: Int
  private let directory: TemporaryDirectory
  private let server: SupervisedServer

  /// - Parameters:
  ///   - master: its port; the Sentinel logs in as `admin`.
  ///   - replicas: ports of replicas that it knows of before it has looked.
  public init(master: Int, password: Secret, replicas: [Int]) throws {
    directory = try TemporaryDirectory()
    port = try SupervisedServer.freePort()
    let lines =
      [
        "sentinel monitor mymaster 127.0.0.1 \(master) 1", "sentinel auth-user mymaster admin",
        "sentinel auth-pass mymaster \(password.exposeAsText())",
      ] + replicas.map { "sentinel known-replica mymaster 127.0.0.1 \($0)" }
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: directory.path("conf"), atomically: true, encoding: .utf8)
    server = try SupervisedServer(
      """
      mkfifo "$1/log"
      redis-server "$1/conf" --sentinel --bind 127.0.0.1 --port "$2" --dir "$1" >"$1/log" 2>&1 </dev/null &
      child=$!
      { while read -r line; do case $line in *"+monitor"*) break;; esac; done
        echo ready; exec cat >/dev/null; } <"$1/log" &
      cat >/dev/null
      kill "$child"
      wait "$child"
      rm -rf "$1"
      """, arguments: [directory.path, "\(port)"])
  }

  /// Leaves the master alone.
  public func forgetReplicas() async throws {
    _ = try await Program.run(
      ["redis-cli", "-p", "\(port)", "SENTINEL", "RESET", "mymaster"], in: directory.path)
  }
}
