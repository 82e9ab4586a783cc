public import Capabilities
import Foundation
public import JSON

/// Vault's and OpenBao's API, which has the same paths in both: the token's header, the namespace, and what an error means.
///
/// The status alone says too little: a lost check-and-set, a wrong path and an unknown token are 400, 403, 404 or 500 by
/// version. The texts under `errors` tell them apart; they are compared and never shown.
public struct VaultClient: Sendable {
  public let api: RESTClient

  public init(
    base: String, token reference: String, namespace: String?, trust: ServerTrust?,
    environment: AdapterEnvironment, fix: String
  ) {
    var headers: [(name: String, value: HTTPField)] = []
    if let namespace { headers.append(("X-Vault-Namespace", .text(namespace))) }
    api = RESTClient(
      base: base, login: .init(header: "X-Vault-Token", prefix: "", reference), headers: headers,
      trust: trust, environment: environment, fix: fix)
  }

  /// `a/b` with each part ready for a path.
  public static func escaped(_ path: String) -> String {
    path.split(separator: "/", omittingEmptySubsequences: false).map { RESTClient.escaped(String($0)) }
      .joined(separator: "/")
  }

  /// A path as an operator writes it: parts of printable characters, no `..`, no slash at either end.
  public static func isPath(_ text: String) -> Bool {
    !text.isEmpty
      && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
        !part.isEmpty && part != "." && part != ".."
          && part.utf8.allSatisfy { (0x21...0x7E).contains($0) && !Self.strange.contains($0) }
      }
  }

  /// `? # % * + " \`: of queries and policies, not of names.
  private static let strange: Set<UInt8> = [0x22, 0x23, 0x25, 0x2A, 0x2B, 0x3F, 0x5C]

  /// True when one of the answer's error texts holds `words`.
  public static func says(_ words: String, _ answer: HTTPResponse) -> Bool {
    errors(of: answer)?.contains { $0.contains(words) } ?? false
  }

  /// The answer's error texts; nil when it has no such list: a proxy answered, or it is none.
  public static func errors(of answer: HTTPResponse) -> [String]? {
    let json = try? JSONValue(parsing: answer.body)  // no JSON: not the API's own answer
    return json?["errors"]?.array?.compactMap(\.string)
  }

  /// What an answer says went wrong; nil: nothing.
  public func failure(of answer: HTTPResponse, _ operation: String, changes: Bool) -> CapabilityError? {
    if Self.says("check-and-set parameter", answer) {
      return CapabilityError(
        .conflict, operation, because: "something else wrote it at the same time", fix: "staunch resume")
    }
    if Self.says("no handler for route", answer) {
      return CapabilityError(
        .configuration, operation, because: "nothing is mounted there",
        fix: "correct the entry in staunch.yaml; vault secrets list shows what is mounted")
    }
    if Self.says("namespace not found", answer) {
      return CapabilityError(
        .configuration, operation, because: "the server has no such namespace",
        fix: "correct namespace in staunch.yaml")
    }
    return api.failure(of: answer, operation, changes: changes)
  }

  /// The answer's JSON, when nothing went wrong.
  public func checked(_ answer: HTTPResponse, _ operation: String) throws(CapabilityError) -> JSONValue {
    if let failure = failure(of: answer, operation, changes: false) { throw failure }
    return try api.json(answer, operation)
  }

  /// The same after a change, which was made also when its answer cannot be read.
  public func done(_ answer: HTTPResponse, _ operation: String) throws(CapabilityError) -> JSONValue {
    if let failure = failure(of: answer, operation, changes: true) { throw failure }
    guard !answer.body.isEmpty else { return .null }
    do throws(CapabilityError) { return try api.json(answer, operation) } catch {
      throw CapabilityError(.unknownOutcome, operation, because: "it was done, but the answer is not JSON")
    }
  }

  /// The names that a LIST tells. - Throws: `.serverError` when it is no list: that it is empty nobody has said.
  public func keys(_ answer: HTTPResponse, _ operation: String) throws(CapabilityError) -> [String] {
    let listed = try checked(answer, operation)["data"]?["keys"]?.array
    let names = listed?.compactMap(\.string)
    guard let names, names.count == listed?.count else {
      throw CapabilityError(
        .serverError, operation, because: "the answer is no list of names",
        fix: "check base_url in staunch.yaml: it must be the server itself")
    }
    return names
  }

  // MARK: rights

  /// A right that a run will need.
  public struct Need: Sendable {
    let what: String
    let path: String
    let capabilities: [String]
    /// - Parameter path: as a policy spells it; a list's ends with a slash.
    public init(_ what: String, _ path: String, _ capabilities: String...) {
      self.what = what
      self.path = path
      self.capabilities = capabilities
    }
  }

  /// Which of `needs` the runner's token has (`sys/capabilities-self`), and whether it may do everything.
  public func readiness(_ needs: [Need]) async -> [Readiness] {
    let operation = "POST sys/capabilities-self"
    do throws(CapabilityError) {
      let answer = try await api.ask(
        "/v1/sys/capabilities-self", ["paths": .array(needs.map { .string($0.path) })],
        readOnlyBecause: "it tells what the token may do")
      let told = try checked(answer, operation)["data"]
      var found: [Readiness] = []
      for need in needs {
        let has = Set(told?[need.path]?.array?.compactMap(\.string) ?? [])
        let missing = has.contains("root") ? [] : need.capabilities.filter { !has.contains($0) }
        guard missing.isEmpty else {
          found.append(
            Readiness(
              need.what,
              .missing(
                because: "the runner's token lacks \(missing.joined(separator: ", ")) on \(need.path)",
                fix: "add to its policy: \(need.line)")))
          continue
        }
        found.append(
          Readiness(need.what, .ready("\(need.capabilities.joined(separator: ", ")) on \(need.path)")))
      }
      if needs.contains(where: { told?[$0.path]?.array?.contains("root") ?? false }) {
        found.append(
          Readiness(
            "least privilege",
            .missing(
              because: "the runner's token is a root token: it may do everything",
              fix: "give it a policy of its own: " + needs.map(\.line).joined(separator: " "))))
      }
      return found
    } catch { return [Readiness("rights", error)] }
  }
}

extension VaultClient.Need {
  /// As it stands in a policy.
  fileprivate var line: String {
    "path \"\(path)\" { capabilities = [\(capabilities.map { "\"\($0)\"" }.joined(separator: ", "))] }"
  }
}
