import Foundation
public import JSON
public import Secrets

/// A real OpenBao server (it speaks Vault's API) that keeps everything in memory, with a key-value engine of version 2 at
/// `secret/`.
public final class OpenBaoServer: Sendable {
  public let url: String
  /// May do everything.
  public let root: Secret
  private let directory: TemporaryDirectory
  private let server: SupervisedServer

  /// One server for all tests of a process. Use names of your own.
  public static func shared() throws -> OpenBaoServer { try sharedServer.get() }
  private static let sharedServer = Result { try OpenBaoServer() }

  /// The namespace that ``call(_:_:_:as:)`` works in; nil: the root one.
  public let namespace: String?

  /// A namespace of the same server that nobody else has: its tokens and policies are its own.
  public func makeNamespace() async throws -> OpenBaoServer {
    let name = "ns-" + UUID().uuidString.prefix(8).lowercased()
    try await call("POST", "sys/namespaces/\(name)", [:])
    return OpenBaoServer(of: self, namespace: name)
  }

  private init(of other: OpenBaoServer, namespace: String) {
    url = other.url
    root = other.root
    directory = other.directory
    server = other.server
    self.namespace = namespace
  }

  public init() throws {
    namespace = nil
    let token = "root-" + UUID().uuidString
    root = Secret(token)
    directory = try TemporaryDirectory()
    var started: (server: SupervisedServer, port: Int)?
    var lastError: any Error = SupervisedServer.Failure(description: "not tried")
    for _ in 0..<3 where started == nil {
      let port = try SupervisedServer.freePort()
      do {
        let server = try SupervisedServer(
          Self.script, arguments: [directory.path],
          environment: [
            "HOME": directory.path, "BAO_DEV_ROOT_TOKEN_ID": token,
            // As where a server's machine is not set to UTC: its times have an offset then.
            "TZ": "Asia/Kolkata",
            "BAO_DEV_LISTEN_ADDRESS": "127.0.0.1:\(port)",
          ])
        started = (server, port)
      } catch {
        lastError = error  // perhaps somebody else took the port
      }
    }
    guard let started else { throw lastError }
    server = started.server
    url = "http://127.0.0.1:\(started.port)"
  }

  /// Stops it at once.
  public func stop() { server.stop() }

  /// Calls its API with curl. - Returns: the answer's `data` or `auth`, whichever there is, or the whole answer.
  /// - Throws: when the server refuses.
  @discardableResult
  public func call(_ method: String, _ path: String, _ body: JSONValue? = nil, as token: Secret? = nil)
    async throws -> JSONValue
  {
    let (status, answer) = try await answer(method, path, body, as: token)
    guard (200...299).contains(status) else {
      throw SupervisedServer.Failure(description: "\(method) \(path): HTTP \(status)")
    }
    for part in ["auth", "data"] {
      if let found = answer[part], found != .null { return found }
    }
    return answer
  }

  /// The same, whatever the status.
  public func answer(_ method: String, _ path: String, _ body: JSONValue? = nil, as token: Secret? = nil)
    async throws -> (status: Int, body: JSONValue)
  {
    let file = directory.path(UUID().uuidString)
    var lines = [
      "silent", "request = \(method)", "url = \"\(url)/v1/\(path)\"", "write-out = \"\\n%{http_code}\"",
      "header = \"X-Vault-Token: \((token ?? root).exposeAsText())\"",
      "header = \"Content-Type: application/json\"",
    ]
    if let namespace { lines.append("header = \"X-Vault-Namespace: \(namespace)\"") }
    if let body {
      try body.canonicalText.write(toFile: file + ".body", atomically: false, encoding: .utf8)
      lines.append("data-binary = \"@\(file).body\"")
    }
    try (lines.joined(separator: "\n") + "\n").write(toFile: file, atomically: false, encoding: .utf8)
    let output = try await Program.run(["curl", "-K", file], in: "/")
    let parts = output.components(separatedBy: "\n")
    let text = parts.dropLast().joined(separator: "\n")
    return (
      Int(parts.last ?? "") ?? 0, text.isEmpty ? .null : try JSONValue(parsing: Data(text.utf8))
    )
  }

  /// A policy with a random name.
  public func makePolicy(_ rules: [String: [String]]) async throws -> String {
    let name = "policy-" + UUID().uuidString.prefix(8).lowercased()
    let text = rules.map { path, capabilities in
      "path \"\(path)\" { capabilities = [\(capabilities.map { "\"\($0)\"" }.joined(separator: ", "))] }"
    }
    try await call("PUT", "sys/policies/acl/\(name)", ["policy": .string(text.joined(separator: "\n"))])
    return name
  }

  /// A token that lives on when the one that made it ends.
  public func makeToken(_ policies: [String], _ more: [String: JSONValue] = [:], as token: Secret? = nil)
    async throws -> (value: Secret, accessor: String)
  {
    let body: [String: JSONValue] = ["policies": .array(policies.map { .string($0) })]
    let made = try await call(
      "POST", "auth/token/create-orphan", .object(body.merging(more) { _, new in new }), as: token)
    return (Secret(made["client_token"]?.string ?? ""), made["accessor"]?.string ?? "")
  }

  private static let script = """
    command -v bao >/dev/null || { echo "no bao on PATH; fix: make test TESTS=TARGET, which installs it in .build/test-tools" >&2; exit 1; }
    log="$1/log.$$"
    mkfifo "$log"
    bao server -dev -dev-no-store-token >"$log" 2>&1 </dev/null &
    child=$!
    { while read -r line; do case $line in *"server started"*) echo ready; exec cat >/dev/null;; esac; done
      echo "it ended at once"; } <"$log" &
    cat >/dev/null
    kill "$child" 2>/dev/null
    wait "$child"
    rm -f "$log"
    """
}
