import Foundation
public import JSON
public import Secrets

/// Calls an API on loopback with curl, as a program that is none of ours. Secrets stand in files of the test's own directory.
public struct CurlCall: Sendable {
  /// How a credential is shown.
  public enum Login: Sendable {
    case nobody
    case basic(String, Secret)
    /// `Authorization`, with what stands before the credential.
    case header(String, Secret)
  }

  /// What is sent.
  public enum Body: Sendable {
    case none
    case json(JSONValue)
    /// `application/x-www-form-urlencoded`; values that need no escaping.
    case form([String: String])
  }

  private let base: String
  private let directory: TemporaryDirectory

  /// - Parameter base: without a slash at its end.
  public init(_ base: String) throws {
    self.base = base
    directory = try TemporaryDirectory()
  }

  /// The status, and the answer's JSON; null where it has none.
  public func answer(_ method: String, _ path: String, as login: Login = .nobody, _ body: Body = .none)
    async throws -> (status: Int, body: JSONValue)
  {
    let file = directory.path(UUID().uuidString)
    var lines = [
      "silent", "request = \(method)", "url = \"\(base)\(path)\"", "write-out = \"\\n%{http_code}\"",
    ]
    switch login {
    // Some logins give a cookie, for the calls after them.
    case .nobody:
      lines += [
        "cookie = \"\(directory.path("cookies"))\"", "cookie-jar = \"\(directory.path("cookies"))\"",
      ]
    case .basic(let user, let password): lines.append("user = \"\(user):\(password.exposeAsText())\"")
    case .header(let prefix, let secret):
      lines.append("header = \"Authorization: \(prefix)\(secret.exposeAsText())\"")
    }
    switch body {
    case .none: break
    case .json(let json):
      try json.canonicalText.write(toFile: file + ".body", atomically: false, encoding: .utf8)
      lines += ["header = \"Content-Type: application/json\"", "data-binary = \"@\(file).body\""]
    case .form(let fields): lines += fields.map { "data = \"\($0.key)=\($0.value)\"" }
    }
    try (lines.joined(separator: "\n") + "\n").write(toFile: file, atomically: false, encoding: .utf8)
    let output = try await Program.run(["curl", "-K", file], in: "/")
    let parts = output.components(separatedBy: "\n")
    let text = parts.dropLast().joined(separator: "\n")
    // Some answers are pages for people.
    return (Int(parts.last ?? "") ?? 0, (try? JSONValue(parsing: Data(text.utf8))) ?? .null)
  }

  /// - Throws: when the server does not answer 2xx.
  @discardableResult
  public func call(_ method: String, _ path: String, as login: Login = .nobody, _ body: Body = .none)
    async throws -> JSONValue
  {
    let (status, answer) = try await answer(method, path, as: login, body)
    guard (200...299).contains(status) else {
      throw SupervisedServer.Failure(description: "\(method) \(path): HTTP \(status) \(answer.canonicalText)")
    }
    return answer
  }
}
