import Capabilities
import Foundation
import JSON
import Secrets

/// Speaks to Redis through `redis-cli --json`, and over TLS by ``RedisSecureLine``: commands and passwords go to standard
/// input, never into arguments.
/// Source: https://redis.io/docs/latest/develop/tools/cli/
struct RedisCommandLine {
  /// One answer.
  enum Reply: Equatable {
    case value(JSONValue)
    /// Text that is not JSON (`CLIENT LIST` prints lines).
    case lines([String])
    /// The first word of the server's error: `WRONGPASS`, `NOPERM`, `ERR` …
    case error(String)

    /// The members of a map. A server whose default user is off refuses redis-cli's `HELLO 3` before the login, and then
    /// writes maps as lists of names and values (RESP2).
    var members: [String: JSONValue]? {
      guard case .value(let value) = self else { return nil }
      if let members = value.object { return members }
      guard let list = value.array, list.count.isMultiple(of: 2) else { return nil }
      var members: [String: JSONValue] = [:]
      for index in stride(from: 0, to: list.count, by: 2) {
        guard let name = list[index].string else { return nil }
        members[name] = list[index + 1]
      }
      return members
    }
  }

  let program: String
  let arguments: [String]
  /// Over TLS: `program` is not used then.
  let secure: RedisSecureLine?
  let environment: AdapterEnvironment

  /// Runs commands that only look, after logging in as `user`. - Returns: the login's answer, then one for each.
  func ask(_ user: String, _ password: Secret, _ commands: [[String]]) async throws(CapabilityError)
    -> [Reply]
  {
    let outcome = try await environment.processes.inspect(
      call(user, password, commands),
      readOnlyBecause: "AUTH, PING, ACL GETUSER, CONFIG GET and CLIENT LIST only look")
    return try replies(outcome, commands, changes: false)
  }

  func change(
    _ user: String, _ password: Secret, _ commands: [[String]], under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> [Reply] {
    try replies(
      try await environment.processes.run(call(user, password, commands), under: authority), commands,
      changes: true)
  }

  private func call(_ user: String, _ password: Secret, _ commands: [[String]]) -> ProcessCall {
    if let secure {
      let login = [Array("AUTH".utf8), Array(user.utf8), password.exposeAsBytes()]
      var bytes = RedisSecureLine.bytes(of: [login] + commands.map { $0.map { Array($0.utf8) } })
      defer { for index in bytes.indices { bytes[index] = 0 } }
      return ProcessCall(
        secure.arguments, standardInput: Secret(SecretBytes(copying: bytes)), timeout: .seconds(20))
    }
    var text = Array("AUTH ".utf8) + Self.quoted(Array(user.utf8)) + [0x20]
    text += Self.quoted(password.exposeAsBytes()) + [0x0A]
    for command in commands {
      for word in command { text += Self.quoted(Array(word.utf8)) + [0x20] }
      text.append(0x0A)
    }
    defer { for index in text.indices { text[index] = 0 } }
    return ProcessCall(
      [program, "--json"] + arguments, standardInput: Secret(SecretBytes(copying: text)),
      timeout: .seconds(20))
  }

  /// Every byte as `\xHH` between double quotes: no character has a meaning of its own.
  private static func quoted(_ bytes: [UInt8]) -> [UInt8] {
    [0x22] + bytes.flatMap { [0x5C, 0x78] + Array(Hex.byte($0).utf8) } + [0x22]
  }

  /// - Parameter changes: commands whose answer is missing may have been carried out all the same.
  private func replies(_ outcome: ProcessOutcome, _ commands: [[String]], changes: Bool)
    throws(CapabilityError) -> [Reply]
  {
    if let secure { return try secure.replies(outcome, count: commands.count + 1, changes: changes) }
    guard outcome.status == 0 else {
      // redis-cli says so itself when it never came to the server; whatever else ends it comes after that.
      let wasSent = changes && !outcome.errors.contains("Could not connect to Redis")
      throw CapabilityError(
        wasSent ? .unknownOutcome : .network, "redis-cli",
        because: wasSent
          ? "the connection broke after the commands were sent" : "no connection to the server",
        fix: "check that it is up: redis-cli \(arguments.joined(separator: " ")) PING")
    }
    var replies: [Reply] = []
    var lines: [String] = []
    func flush() {
      if !lines.isEmpty { replies.append(.lines(lines)) }
      lines = []
    }
    for line in outcome.output.split(whereSeparator: \.isNewline).map(String.init) {
      if line.hasPrefix("error:\"") {
        flush()
        replies.append(.error(String(line.dropFirst(7).prefix { $0 != " " && $0 != "\"" })))
      } else if let value = try? JSONValue(parsing: line) {  // lines of a list are no JSON
        flush()
        replies.append(.value(value))
      } else {
        lines.append(line)
      }
    }
    flush()
    guard replies.count == commands.count + 1 else {
      throw CapabilityError(
        changes ? .unknownOutcome : .network, "redis-cli",
        because: "the connection broke, or the answer could not be read",
        fix: "check redis-cli --version: 7 or newer")
    }
    return replies
  }
}
