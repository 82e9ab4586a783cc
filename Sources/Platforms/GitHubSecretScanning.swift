public import Capabilities
import Foundation
public import JSON
import RESTClient
public import Secrets

/// Secret scanning of GitHub repositories by its REST API: what a webhook leaves out, and what it lost.
///
/// Tested against a mock on loopback written from the reference, not against api.github.com.
/// Sources: https://docs.github.com/en/rest/secret-scanning/secret-scanning, …/rest/repos/webhooks
public struct GitHubSecretScanning: Sendable {
  /// A repository as GitHub names it now.
  public struct Repository: Sendable, Hashable {
    /// Survives renaming; what keys of alerts are made of.
    public let id: Int
    /// `owner/name`, from staunch.yaml.
    public let name: String
  }

  /// A webhook delivery that did not arrive.
  public struct LostDelivery: Sendable {
    /// The same on every redelivery: `X-GitHub-Delivery`.
    public let guid: String
    public let event: String
    /// What was sent.
    public let payload: JSONValue
  }

  private let api: RESTClient

  /// - Parameters:
  ///   - baseURL: for example `https://api.github.com`.
  ///   - token: a reference to a token with "Secret scanning alerts" and, for lost deliveries, "Webhooks".
  public init(baseURL: String, token: String, environment: AdapterEnvironment) {
    api = RESTClient(
      base: baseURL, login: .init(token),
      headers: [
        ("Accept", .text("application/vnd.github+json")), ("X-GitHub-Api-Version", .text("2022-11-28")),
      ], environment: environment,
      fix: "give the source's token \"Secret scanning alerts\" (read; write to resolve) on this repository")
  }

  /// - Parameter name: `owner/name`, checked by whoever read staunch.yaml.
  public func repository(_ name: String) async throws(CapabilityError) -> Repository {
    guard let id = try await api.get("/repos/\(name)")["id"]?.integer else {
      throw CapabilityError(
        .invalid, "GET /repos/\(name)", because: "the answer names no repository", fix: "check base_url")
    }
    return Repository(id: id, name: name)
  }

  /// An alert with its secret and every place, as a report in the form of GitHub's own messages.
  public func alert(_ number: Int, of repository: Repository) async throws(CapabilityError) -> Secret {
    let path = "/repos/\(repository.name)/secret-scanning/alerts/\(number)"
    let alert = try await api.get(path)
    let places = try await api.pages(path + "/locations", by: .number)
    let event = GitHubSecretScanning.event(alert, of: repository)
    var events = places.map { place in
      var members = event.object ?? [:]
      members["location"] = place
      return JSONValue.object(members)
    }
    if events.isEmpty { events = [event] }
    return Secret(SecretBytes(copying: JSONValue.array(events).canonicalBytes))
  }

  /// Open alerts, without their secrets.
  public func openAlerts(of repository: Repository) async throws(CapabilityError) -> [JSONValue] {
    try await api.pages(
      "/repos/\(repository.name)/secret-scanning/alerts?state=open&hide_secret=true", by: .number)
  }

  /// An alert as the webhook would have brought it.
  public static func event(_ alert: JSONValue, of repository: Repository) -> JSONValue {
    [
      "action": "created", "alert": alert,
      "repository": ["id": .integer(repository.id), "full_name": .string(repository.name)],
    ]
  }

  /// Deliveries about secrets that no attempt brought, of every webhook of the repository that the token may see. GitHub
  /// keeps them for three days (its server edition for seven) and never tries again by itself.
  ///
  /// - Parameter isKnown: true for a guid that arrived: its payload is not fetched.
  public func lostDeliveries(
    of repository: Repository, isKnown: @Sendable (String) async throws(CapabilityError) -> Bool
  ) async throws(CapabilityError) -> [LostDelivery] {
    var lost: [LostDelivery] = []
    for hook in try await api.pages("/repos/\(repository.name)/hooks", by: .number) {
      guard let id = hook["id"]?.integer else { continue }
      let path = "/repos/\(repository.name)/hooks/\(id)/deliveries"
      let attempts = try await api.pages(path, by: .linkCursor)
      let arrived = Set(
        attempts.filter { (200..<300).contains($0["status_code"]?.integer ?? 0) }.compactMap {
          $0["guid"]?.string
        })
      var seen = arrived
      for attempt in attempts {
        guard let guid = attempt["guid"]?.string, let number = attempt["id"]?.integer,
          let event = attempt["event"]?.string, event.hasPrefix("secret_scanning_alert"),
          seen.insert(guid).inserted, try await !isKnown(guid)
        else { continue }
        guard let payload = try await api.get("\(path)/\(number)")["request"]?["payload"] else { continue }
        lost.append(LostDelivery(guid: guid, event: event, payload: payload))
      }
    }
    return lost
  }

  /// Whether somebody has resolved the alert.
  public func isResolved(_ number: Int, of repository: Repository) async throws(CapabilityError) -> Bool {
    let path = "/repos/\(repository.name)/secret-scanning/alerts/\(number)?hide_secret=true"
    return try await api.get(path)["state"]?.string == "resolved"
  }

  /// Says at GitHub that the secret is revoked.
  public func resolve(
    _ number: Int, of repository: Repository, comment: String, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    try await api.send(
      .patch, "/repos/\(repository.name)/secret-scanning/alerts/\(number)",
      ["state": "resolved", "resolution": "revoked", "resolution_comment": .string(comment)],
      under: authority)
  }
}
