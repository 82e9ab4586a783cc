import Foundation
public import JSON
public import RESTClient
import Secrets

/// MiniStack, an emulator of AWS that is not ours, with everything in memory. It checks signatures, inactive keys and policies;
/// what it gets wrong stands beside the tests that meet it.
public final class MiniStackServer: Sendable {
  public let url: String
  /// May do everything.
  public let root = AWSKeys(accessKeyID: "test", secretAccessKey: Secret("test"))
  private let directory: TemporaryDirectory
  private let server: SupervisedServer

  /// One server for all tests of a process. Use names of your own.
  public static func shared() throws -> MiniStackServer { try sharedServer.get() }
  private static let sharedServer = Result { try MiniStackServer() }

  public init() throws {
    directory = try TemporaryDirectory()
    var started: (server: SupervisedServer, port: Int)?
    var lastError: any Error = SupervisedServer.Failure(description: "not tried")
    for _ in 0..<3 where started == nil {
      let port = try SupervisedServer.freePort()
      do {
        let server = try SupervisedServer(
          Self.script, arguments: [directory.path],
          environment: [
            "HOME": directory.path, "AUTH": "true", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": "\(port)",
            "CLOUDTRAIL_RECORDING": "1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0",
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
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

  /// A name that nobody else has.
  public static func name(_ what: String) -> String { "\(what)-\(UUID().uuidString.prefix(8).lowercased())" }

  /// Calls an API with a form, over curl's own signature. - Returns: the result.
  /// - Throws: when it is refused.
  @discardableResult
  public func call(_ service: String, _ action: String, _ fields: [String: String], as keys: AWSKeys? = nil)
    async throws -> AWSElement
  {
    let (code, text) = try await answer(service, action, fields, as: keys)
    guard code == "200", let root = AWSElement(parsing: text.utf8) else {
      throw SupervisedServer.Failure(description: "\(service) \(action): \(code) \(text.prefix(300))")
    }
    return root["\(action)Result"] ?? root
  }

  /// The same, whatever the status. - Returns: the status and the answer.
  public func answer(_ service: String, _ action: String, _ fields: [String: String], as keys: AWSKeys? = nil)
    async throws -> (status: String, text: String)
  {
    let versions = [
      "iam": "2010-05-08", "sts": "2011-06-15", "rds": "2014-10-31", "elasticache": "2015-02-02",
    ]
    let all = fields.merging(["Action": action, "Version": versions[service] ?? ""]) { _, new in new }
    return try await curl(
      service, as: keys,
      all.sorted { $0.key < $1.key }.map {
        "data = \"\(RESTClient.escaped($0.key))=\(RESTClient.escaped($0.value))\""
      })
  }

  /// Calls a JSON API. - Throws: when it is refused.
  @discardableResult
  public func call(_ service: String, _ target: String, _ body: JSONValue, as keys: AWSKeys? = nil)
    async throws -> JSONValue
  {
    let file = directory.path(UUID().uuidString)
    try body.canonicalText.write(toFile: file, atomically: false, encoding: .utf8)
    let (code, text) = try await curl(
      service, as: keys,
      [
        "data-binary = \"@\(file)\"", "header = \"Content-Type: application/x-amz-json-1.1\"",
        "header = \"X-Amz-Target: \(target)\"",
      ])
    guard code == "200" else {
      throw SupervisedServer.Failure(description: "\(target): \(code) \(text.prefix(300))")
    }
    return text.isEmpty ? .null : try JSONValue(parsing: Data(text.utf8))
  }

  private func curl(_ service: String, as keys: AWSKeys?, at path: String = "", _ more: [String]) async throws
    -> (status: String, text: String)
  {
    let keys = keys ?? root
    var lines = [
      "silent", "url = \"\(url)/\(path)\"", "write-out = \"\\n%{http_code}\"",
      "aws-sigv4 = \"aws:amz:us-east-1:\(service)\"",
      "user = \"\(keys.accessKeyID):\(keys.secretAccessKey.exposeAsText())\"",
    ]
    if let token = keys.sessionToken {
      lines.append("header = \"X-Amz-Security-Token: \(token.exposeAsText())\"")
    }
    let file = directory.path(UUID().uuidString)
    try ((lines + more).joined(separator: "\n") + "\n").write(
      toFile: file, atomically: false, encoding: .utf8)
    let output = try await Program.run(["curl", "-K", file], in: "/")
    let parts = output.components(separatedBy: "\n")
    return (parts.last ?? "", parts.dropLast().joined(separator: "\n"))
  }

  /// A user with one access key and `policy` (a policy document) as its rights.
  public func makeUser(_ name: String, policy: String? = nil) async throws -> AWSKeys {
    try await call("iam", "CreateUser", ["UserName": name])
    if let policy {
      try await call(
        "iam", "PutUserPolicy", ["UserName": name, "PolicyName": "rights", "PolicyDocument": policy])
    }
    return try await makeKey(of: name)
  }

  public func makeKey(of user: String) async throws -> AWSKeys {
    let key = try await call("iam", "CreateAccessKey", ["UserName": user])["AccessKey"]
    return AWSKeys(
      accessKeyID: key?["AccessKeyId"]?.text ?? "",
      secretAccessKey: Secret(key?["SecretAccessKey"]?.text ?? ""))
  }

  /// A role that everybody in the account may take, with `policy` (a policy document) as its rights.
  public func makeRole(_ name: String, policy: String, trust: String = everybody) async throws {
    try await call("iam", "CreateRole", ["RoleName": name, "AssumeRolePolicyDocument": trust])
    try await call(
      "iam", "PutRolePolicy", ["RoleName": name, "PolicyName": "rights", "PolicyDocument": policy])
  }

  /// A role's trust in everybody.
  public static let everybody =
    #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#

  /// A session of a role, as its program draws one.
  public func takeRole(_ name: String, as keys: AWSKeys? = nil) async throws -> AWSKeys {
    let made = try await call(
      "sts", "AssumeRole",
      ["RoleArn": "arn:aws:iam::000000000000:role/\(name)", "RoleSessionName": "task"], as: keys)[
        "Credentials"]
    return AWSKeys(
      accessKeyID: made?["AccessKeyId"]?.text ?? "",
      secretAccessKey: Secret(made?["SecretAccessKey"]?.text ?? ""),
      sessionToken: Secret(made?["SessionToken"]?.text ?? ""))
  }

  /// A bucket of S3.
  public func makeBucket(_ name: String) async throws {
    let (code, text) = try await curl(
      "s3", as: nil, at: name,
      [
        "request = PUT",
        "header = \"x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
      ])
    guard code == "200" else {
      throw SupervisedServer.Failure(description: "PUT \(name): \(code) \(text.prefix(300))")
    }
  }

  /// From now on its objects have versions.
  public func setVersioning(of bucket: String) async throws {
    try await store(
      "PUT", "\(bucket)?versioning=",
      "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled</Status></VersioningConfiguration>"
    )
  }

  /// Writes an object. - Parameter key: as it is.
  public func putObject(_ bucket: String, _ key: String, _ text: String) async throws {
    try await store("PUT", "\(bucket)/\(AWSSignature.escaped(key, besides: "/"))", text)
  }

  /// Deletes an object; where there are versions, that hides them.
  public func deleteObject(_ bucket: String, _ key: String) async throws {
    try await store("DELETE", "\(bucket)/\(AWSSignature.escaped(key, besides: "/"))", nil)
  }

  private func store(_ method: String, _ path: String, _ body: String?) async throws {
    var more = ["request = \(method)", "header = \"x-amz-content-sha256: UNSIGNED-PAYLOAD\""]
    if let body {
      let file = directory.path(UUID().uuidString)
      try body.write(toFile: file, atomically: false, encoding: .utf8)
      more.append("data-binary = \"@\(file)\"")
    }
    let (code, text) = try await curl("s3", as: nil, at: path, more)
    guard code.hasPrefix("2") else {
      throw SupervisedServer.Failure(description: "\(method) \(path): \(code) \(text.prefix(300))")
    }
  }

  private static let script = """
    command -v ministack >/dev/null || { echo "no ministack on PATH; fix: make test TESTS=TARGET, which installs it in .build/test-tools" >&2; exit 1; }
    log="$1/log.$$"
    mkfifo "$log"
    ministack >"$log" 2>&1 </dev/null &
    child=$!
    { while read -r line; do case $line in *"Running on"*) echo ready; exec cat >/dev/null;; esac; done
      echo "it ended at once"; } <"$log" &
    cat >/dev/null
    kill "$child" 2>/dev/null
    wait "$child"
    rm -f "$log"
    """
}
