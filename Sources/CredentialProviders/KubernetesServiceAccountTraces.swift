public import Capabilities
public import Foundation
import JSON
import RESTClient

extension KubernetesServiceAccountToken {
  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    let account = try await client.existing(accountPath)
    var facts: [String: JSONValue] = [
      "owner": .string(username), "account_created": account["metadata"]?["creationTimestamp"] ?? .null,
      "token_secrets": .array((account["secrets"]?.array ?? []).compactMap { $0["name"] }),
    ]
    let path: String
    switch try place(ref) {
    case .unbound:
      facts["bound_to"] = "the account alone"
      return CredentialFacts(facts)
    case .secret(let name, _):
      facts["bound_to"] = .string("Secret \(name)")
      path = client.path("secrets", name)
    case .pod(let name, _):
      facts["bound_to"] = .string("Pod \(name)")
      path = client.path("pods", name)
    }
    let object = try await client.object(path)
    facts["bound_object_there"] = .boolean(object != nil)
    facts["created"] = object?["metadata"]?["creationTimestamp"] ?? .null
    return CredentialFacts(facts)
  }

  /// RFC 3339, as the API writes times; nil: it is none.
  static func time(_ text: String) -> Date? {
    do { return try Date(text, strategy: .iso8601) } catch { return nil }
  }

  /// The API has no log of who called it.
  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    AbuseReport(
      seen: nil, covered: nil,
      findings: [
        "unknown: only the API server's audit log has its uses; search it for user.username \(username)",
        "from 1.30 on user.extra authentication.kubernetes.io/credential-id there names the token: JTI= and its jti",
      ])
  }

  /// Signing requests name their maker; of other objects only that they came since then and are of this account.
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    var found: [Successors.Successor] = []
    // One without a readable time counts.
    func date(_ object: JSONValue) -> Date? {
      object["metadata"]?["creationTimestamp"]?.string.flatMap { Self.time($0) }
    }
    func isSince(_ object: JSONValue) -> Bool {
      guard let since, let made = date(object) else { return true }
      return made >= since
    }
    func name(_ object: JSONValue) -> String { object["metadata"]?["name"]?.string ?? "?" }
    let requests = try await seen("/apis/certificates.k8s.io/v1/certificatesigningrequests", &found)
    for request in requests where request["spec"]?["username"]?.string == username && isSince(request) {
      let isIssued = request["status"]?["certificate"] != nil
      found.append(
        .init(
          CredentialRef("certificatesigningrequest/\(name(request))"),
          what: isIssued
            ? "client certificate \(name(request)), which cannot be revoked"
            : "signing request \(name(request))",
          made: date(request)))
    }
    for secret in try await seen(client.path("secrets"), &found) where isSince(secret) {
      guard secret["type"]?.string == "kubernetes.io/service-account-token",
        secret["metadata"]?["annotations"]?["kubernetes.io/service-account.name"]?.string == settings.account
      else { continue }
      let own = secret["metadata"]?["uid"]?.string.map { self.ref(.secret(name(secret), uid: $0)) }
      if own == ref { continue }
      found.append(
        .init(
          own ?? CredentialRef(name(secret)), what: "token Secret \(name(secret)) of the account",
          made: date(secret)))
    }
    for binding in try await seen(client.path("rolebindings", group: "rbac.authorization.k8s.io/v1"), &found)
    where isSince(binding) {
      let isOwn = (binding["subjects"]?.array ?? []).contains {
        $0["kind"]?.string == "ServiceAccount" && $0["name"]?.string == settings.account
      }
      guard isOwn else { continue }
      found.append(
        .init(
          CredentialRef("rolebinding/\(name(binding))"),
          what: "rolebinding \(name(binding)) that names the account",
          made: date(binding)))
    }
    // Pods, tokens and users that it made are in the audit log alone.
    return Successors(found, covered: nil)
  }

  /// What may not be listed is named, not taken for nothing.
  private func seen(_ path: String, _ found: inout [Successors.Successor]) async throws(CapabilityError)
    -> [JSONValue]
  {
    do throws(CapabilityError) { return try await client.list(path) } catch {
      guard [.refused, .configuration].contains(error.class) else { throw error }
      let kind = path.split(separator: "/").last.map(String.init) ?? path
      found.append(
        .init(
          CredentialRef("unknown/\(kind)"), what: "unknown: \(kind) could not be listed (\(error.because))"))
      return []
    }
  }

  public func readiness() async -> [Readiness] {
    await client.readiness([
      .init("create", "tokenreviews", group: "authentication.k8s.io"),
      .init("get", "serviceaccounts", settings.account),
      .init("create", "serviceaccounts/token", settings.account),
      .init("get", "secrets"), .init("create", "secrets"), .init("delete", "secrets"),
      .init("delete", "pods"),
      .init("list", "secrets"), .init("list", "rolebindings", group: "rbac.authorization.k8s.io"),
      .init("list", "certificatesigningrequests", group: "certificates.k8s.io"),
    ])
  }
}
