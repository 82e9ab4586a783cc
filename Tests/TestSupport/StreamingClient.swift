import Foundation

/// A client of a server that stays connected and prints what it is told: a watch, a persistent search.
public final class StreamingClient: Sendable {
  private let client: SupervisedServer
  private let file: String

  /// Returns when it has printed its first line.
  ///
  /// - Parameters:
  ///   - script: becomes the client (`exec`), which prints to its standard output; `$1 …` are `arguments`.
  ///   - file: takes what it prints.
  init(_ script: String, arguments: [String], environment: [String: String], into file: String) throws {
    self.file = file
    client = try SupervisedServer(
      """
      out=$1
      shift
      touch "$out"
      (\(script)) >"$out" 2>&1 </dev/null &
      child=$!
      timeout 30 tail -n +1 -f "$out" | { read -r line && echo ready; }
      cat >/dev/null
      kill -s KILL "$child"
      """, arguments: [file] + arguments, environment: environment)
  }

  /// Waits until a line has `text`. - Throws: when none has it in time.
  public func sees(_ text: String) async throws {
    try await Program.run(["timeout", "30", "sh", "-c", Self.waiting, "sh", file, text], in: "/")
  }

  private static let waiting =
    #"tail -n +1 -f "$1" | { while read -r line; do case $line in *"$2"*) exit 0;; esac; done; exit 1; }"#
}
