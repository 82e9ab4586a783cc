public import Capabilities
import Foundation
import JSON
import Secrets

/// How the runner logs in at Google Cloud: a key of its own, a token that somebody drew, or the metadata server of the machine
/// it runs on.
///
/// Sources: https://developers.google.com/identity/protocols/oauth2/service-account,
/// https://cloud.google.com/compute/docs/access/authenticate-workloads
public struct GoogleLogin: Sendable {
  let key: String?
  let token: String?
  public let endpoint: GoogleTokenEndpoint
  let metadata: String

  public init(from read: inout SettingsReader) throws(CapabilityError) {
    key = try read.optionalReference(
      "login_key",
      "a service-account key of the runner's own, the whole JSON file (`file:/etc/staunch/gcp.json`)")
    token = try read.optionalReference(
      "login_token",
      "an access token that somebody has drawn (`gcloud auth print-access-token`); with neither, the metadata server "
        + "is asked")
    endpoint = GoogleTokenEndpoint(
      url: try read.text("token_url", default: GoogleTokenEndpoint.audience, "where tokens are granted"))
    metadata = try read.text(
      "metadata_url", default: "http://metadata.google.internal",
      "the metadata server; its host stands under http.plain_hosts")
    try read.check(
      key == nil || token == nil, "login_key and login_token are both named",
      fix: "name the one that is meant")
  }

  private static let scope = "https://www.googleapis.com/auth/cloud-platform"
  private static let operation = "log in at Google Cloud"

  /// The tokens of this login.
  public func tokens(in environment: AdapterEnvironment) -> AccessTokens {
    AccessTokens(now: environment.now) { () async throws(CapabilityError) in
      if let token {
        return AccessTokens.Drawn(try await environment.sources.resolve(token), lifetime: nil)
      }
      return key == nil ? try await fromMetadata(environment) : try await fromKey(environment)
    }
  }

  /// The runner's own key; nil where it logs in another way.
  public func ownKey(in environment: AdapterEnvironment) async throws(CapabilityError) -> GoogleKeyFile? {
    guard let key else { return nil }
    guard let file = GoogleKeyFile(reading: try await environment.sources.resolve(key)) else {
      throw CapabilityError(
        .configuration, Self.operation, because: "login_key is no key file of a service account",
        fix: "name the JSON file that Google gave, whole")
    }
    return file
  }

  private func fromKey(_ environment: AdapterEnvironment) async throws(CapabilityError) -> AccessTokens.Drawn
  {
    guard let file = try await ownKey(in: environment), let email = file.email,
      let assertion = file.assertion(
        as: email, keyID: nil, scope: Self.scope, audience: GoogleTokenEndpoint.audience,
        at: environment.now())
    else {
      throw CapabilityError(
        .configuration, Self.operation, because: "login_key names no account",
        fix: "name the JSON file that Google gave, whole")
    }
    let answer = try await environment.http.fetch(endpoint.request(assertion))
    let word = GoogleTokenWord(answer)
    switch word {
    case .granted: return try drawn(answer)
    case .clock:
      throw CapabilityError(
        .refused, Self.operation, because: "the clock of this machine and Google's differ",
        fix: "set the clock (timedatectl status), then: staunch doctor")
    case .signature, .noAccount, .disabled:
      throw CapabilityError(
        .refused, Self.operation, because: "Google refuses the runner's own key: \(word.code)",
        fix: "give the runner another key: login_key in staunch.yaml")
    case .other:
      throw answer.failure(Self.operation, changes: false, now: environment.now())
        ?? CapabilityError(
          .invalid, Self.operation, because: "the answer holds no token", fix: "check token_url")
    }
  }

  private func fromMetadata(_ environment: AdapterEnvironment) async throws(CapabilityError)
    -> AccessTokens.Drawn
  {
    let answer = try await environment.http.fetch(
      .get(
        metadata + "/computeMetadata/v1/instance/service-accounts/default/token",
        headers: [("Metadata-Flavor", .text("Google"))]))
    if let failure = answer.failure(
      Self.operation, changes: false, now: environment.now(),
      fix: "attach a service account to this machine, or name login_key")
    {
      throw failure
    }
    return try drawn(answer)
  }

  private func drawn(_ answer: HTTPResponse) throws(CapabilityError) -> AccessTokens.Drawn {
    try AccessTokens.Drawn(answer, Self.operation)
  }
}

extension AccessTokens.Drawn {
  /// Out of an answer of OAuth 2.0 (RFC 6749 §5.1).
  init(_ answer: HTTPResponse, _ operation: String) throws(CapabilityError) {
    let json = try? JSONValue(parsing: answer.body)  // no JSON: it holds no token, either
    guard let token = json?["access_token"]?.string, !token.isEmpty else {
      throw CapabilityError(.invalid, operation, because: "the answer holds no token")
    }
    // Azure's metadata server writes the number as text.
    let seconds = json?["expires_in"]?.integer ?? json?["expires_in"]?.string.flatMap { Int($0) }
    self.init(Secret(token), lifetime: seconds.map { .seconds($0) })
  }
}
