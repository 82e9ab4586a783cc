import Capabilities
import Foundation
import JSON
import RESTClient
import Secrets

/// One HTTP call of a provider, as data in staunch.yaml.
///
/// `{ref}` in the URL is replaced by the public id, `{ref}` and `{secret}` in texts of the body likewise; a secret never
/// goes into a URL.
struct GenericCall {
  /// Whose secret stands in the header.
  enum Credential {
    case none
    /// The secret that the call is about.
    case subject
    /// One of the runner's own.
    case reference(String)
  }

  let operation: String
  let alive: [Int]
  let dead: [Int]
  let success: [Int]
  /// A credential of the same kind that works: asked between refusals.
  let control: String?
  private let method: HTTPRequest.Method
  private let url: String
  private let header: String
  private let prefix: String
  private let credential: Credential
  private let body: JSONValue?

  /// - Returns: nil when `target` has no such call.
  /// - Throws: `.configuration`.
  init?(
    _ target: TargetConfiguration, _ key: String, method: HTTPRequest.Method, credential: Credential
  ) throws(CapabilityError) {
    guard let call = target.settings[key] else { return nil }
    func wrong(_ because: String, _ fix: String) -> CapabilityError {
      CapabilityError(.configuration, "\(target.position): \(target.name)", because: because, fix: fix)
    }
    guard let members = call.object else {
      throw wrong("\(key) is not a mapping", "write \(key): {url: …}")
    }
    let known: Set = [
      "control", "url", "method", "header", "prefix", "credential", "body", "alive", "dead", "success",
    ]
    if let strange = members.keys.filter({ !known.contains($0) }).sorted().first {
      throw wrong("\(key) has no setting \"\(strange)\"", "use \(known.sorted().joined(separator: ", "))")
    }
    guard let url = members["url"]?.string, !url.contains("{secret}") else {
      throw wrong(
        "\(key).url is missing or would hold the secret", "put {secret} into body or header instead")
    }
    if let word = members["method"] {
      guard let text = word.string, let method = HTTPRequest.Method(rawValue: text) else {
        throw wrong("\(key).method is no method", "use GET, POST, PUT, PATCH or DELETE")
      }
      self.method = method
    } else {
      self.method = method
    }
    self.url = url
    header = members["header"]?.string ?? "Authorization"
    prefix = members["prefix"]?.string ?? "Bearer "
    switch members["credential"]?.string {
    case nil: self.credential = credential
    case "leaked": self.credential = .subject
    case let reference?: self.credential = .reference(reference)
    }
    body = members["body"]
    control = members["control"]?.string
    func statuses(_ name: String, _ standard: [Int]) -> [Int] {
      members[name]?.array?.compactMap(\.integer) ?? standard
    }
    alive = statuses("alive", [200])
    dead = statuses("dead", [401])
    success = statuses("success", [200, 202, 204, 404])
    operation = "\(self.method.rawValue) \(url.prefix { $0 != "?" })"
  }

  /// Whether the call holds the secret that it is about: then an id alone does not suffice.
  var needsSecret: Bool {
    if case .subject = credential { return true }
    return body?.canonicalText.contains("{secret}") == true
  }

  /// Whether the runner's credential for this call is `secret`.
  func usesItself(_ secret: Secret, _ environment: AdapterEnvironment) async throws(CapabilityError) -> Bool {
    guard case .reference(let reference) = credential else { return false }
    return try await environment.sources.resolve(reference).isSame(as: secret)
  }

  /// Why the runner's credential for this call cannot be had; nil when it can, or none is needed.
  func missingCredential(_ environment: AdapterEnvironment) async -> CapabilityError? {
    guard case .reference(let reference) = credential else { return nil }
    do throws(CapabilityError) {
      _ = try await environment.sources.resolve(reference)
      return nil
    } catch { return error }
  }

  func request(ref: CredentialRef, secret: Secret, _ environment: AdapterEnvironment)
    async throws(CapabilityError) -> HTTPRequest
  {
    var headers: [(name: String, value: HTTPField)] = []
    switch credential {
    case .none: break
    case .subject: headers.append((header, .secret(prefix: prefix, secret)))
    case .reference(let reference):
      headers.append((header, .secret(prefix: prefix, try await environment.sources.resolve(reference))))
    }
    let escaped = RESTClient.escaped(ref.rawValue)
    var request = HTTPRequest(method, url.replacingOccurrences(of: "{ref}", with: escaped), headers: headers)
    if let body {
      request.headers.append(("Content-Type", .text("application/json")))
      let text = secret.exposeAsText()
      request.body = .secret(Secret(Self.filled(body, ref: ref.rawValue, secret: text).canonicalText))
    }
    return request
  }

  /// The same call where it only asks. A POST is one that the provider made a question.
  func safeRequest(ref: CredentialRef, secret: Secret, _ environment: AdapterEnvironment)
    async throws(CapabilityError) -> SafeRequest
  {
    let request = try await request(ref: ref, secret: secret, environment)
    switch method {
    case .get: return .get(request.url, headers: request.headers)
    case .post:
      return .post(
        request.url, headers: request.headers, body: request.body,
        readOnlyBecause: "staunch.yaml declares it as the provider's question whether a credential is valid")
    case .head, .options, .put, .patch, .delete:
      throw CapabilityError(
        .configuration, operation, because: "verify must only look",
        fix: "use GET, or POST where the API wants it")
    }
  }

  private static func filled(_ value: JSONValue, ref: String, secret: String) -> JSONValue {
    switch value {
    case .string(let text):
      // The secret last, so that its own characters are never taken as a placeholder.
      .string(
        text.replacingOccurrences(of: "{ref}", with: ref).replacingOccurrences(of: "{secret}", with: secret))
    case .array(let elements): .array(elements.map { filled($0, ref: ref, secret: secret) })
    case .object(let members): .object(members.mapValues { filled($0, ref: ref, secret: secret) })
    case .null, .boolean, .integer, .number: value
    }
  }
}
