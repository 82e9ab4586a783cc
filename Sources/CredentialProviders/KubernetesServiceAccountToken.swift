public import Capabilities
public import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets

/// A token of a service account of a Kubernetes cluster.
///
/// No call revokes a token. It dies with what it is bound to: a token Secret or a Pod is deleted (by its `uid`, so that no
/// namesake goes). One that is bound to the account alone lives until it expires or the account is deleted and made anew, which
/// takes every token of the account: a person does that, and what remains is said. A new token is bound to an empty Secret
/// made for it, `ACCOUNT-token-RUN`, so that it can be found after a lost reply and stopped by itself.
/// Dead is said when the API refuses it (401) and TokenReview, asked by the runner, agrees, also for those it was made for. A deleted pod's token is accepted
/// for its grace period and a minute more, and API servers remember a yes for ten seconds: hence the propagation. Watches and
/// `exec` sessions that were open go on.
/// The runner needs `create` of tokenreviews, `get` of the account, `create` of serviceaccounts/token, `get`, `create` and
/// `delete` of Secrets, `delete` of pods; `list` of Secrets, rolebindings and certificatesigningrequests to see successors.
///
/// The threat: who holds a token that may create pods, Secrets or tokens has made others by now, and with `escalate`, `bind`
/// or `impersonate` become somebody else; the API does not tell who made an object, its audit log does. Signing requests alone
/// name their maker: an issued client certificate cannot be revoked. A client certificate of the runner's is never shown
/// beside a token that is tried: the server would believe it instead. The token's own claims are believed only after the
/// cluster has.
/// Tested in a simulation written from the API reference, and on a real API server (`make test-heavy`).
/// Sources: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/,
/// https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/, …/token-review-v1/
public struct KubernetesServiceAccountToken: CredentialProvider {
  struct Settings: AdapterSettings {
    let access: KubernetesAccess
    let account: String
    let audiences: [String]
    let lifetime: Int
    let propagation: Duration
    init(from read: inout SettingsReader) throws(CapabilityError) {
      access = try KubernetesAccess(from: &read)
      account = try read.text("service_account", "the account whose token leaked")
      audiences = try read.texts(
        "audiences", "who is to accept the new token; the API server itself when absent")
      let hours =
        try read.integer("lifetime_hours", "how long the new token lasts, 1 to 8760; 24 when absent") ?? 24
      lifetime = hours * 3600
      try read.check(
        (1...8760).contains(hours), "lifetime_hours is no number from 1 to 8760", fix: "write 24")
      try read.check(
        KubernetesClient.isName(account), "service_account is no name of the API",
        fix: "see: kubectl get serviceaccounts")
      propagation = try read.propagation(.seconds(120))
    }
  }

  public static let kind = "kubernetes_service_account_token"
  public static let summary = "A token of a service account of a Kubernetes cluster."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "create of tokenreviews, serviceaccounts/token and Secrets; get of the account and of "
      + "Secrets; delete of Secrets and pods; list of Secrets, rolebindings and "
      + "certificatesigningrequests",
    survives: "watches and exec sessions that were open; pods, Secrets, tokens and client certificates "
      + "that its holder made",
    can: [.successors, .delete],
    note: "a real API server in `make test-heavy`")
  public static let settings = Settings.declarations

  public let capabilities: ProviderCapabilities
  public let lock: String
  let settings: Settings
  let client: KubernetesClient
  let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    self.environment = environment
    client = KubernetesClient(
      settings.access, environment: environment,
      fix: "the runner's account needs the rights that staunch doctor lists for this credential")
    lock = "kubernetes/\(settings.access.server)/\(settings.access.namespace)/\(settings.account)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .irreversible, sessions: .none, issuing: .named,
      propagation: settings.propagation)
  }

  var username: String { "system:serviceaccount:\(settings.access.namespace):\(settings.account)" }
  var accountPath: String { client.path("serviceaccounts", settings.account) }

  /// `prod/deployer/secret/NAME@UID`, `…/pod/NAME@UID`, `…/unbound`.
  enum Place: Sendable {
    case secret(String, uid: String)
    case pod(String, uid: String)
    case unbound
  }

  func ref(_ place: Place) -> CredentialRef {
    let base = "\(settings.access.namespace)/\(settings.account)/"
    switch place {
    case .secret(let name, let uid): return CredentialRef("\(base)secret/\(name)@\(uid)")
    case .pod(let name, let uid): return CredentialRef("\(base)pod/\(name)@\(uid)")
    case .unbound: return CredentialRef(base + "unbound")
    }
  }

  func place(_ ref: CredentialRef) throws(CapabilityError) -> Place {
    let base = "\(settings.access.namespace)/\(settings.account)/"
    if ref.rawValue == base + "unbound" { return .unbound }
    let parts = ref.rawValue.dropFirst(base.count).split(separator: "/").map(String.init)
    let names = parts.last?.split(separator: "@").map(String.init) ?? []
    guard ref.rawValue.hasPrefix(base), parts.count == 2, names.count == 2, KubernetesClient.isName(names[0])
    else {
      throw CapabilityError(.notFound, "find \(ref)", because: "it is no token of \(username)")
    }
    switch parts[0] {
    case "secret": return .secret(names[0], uid: names[1])
    case "pod": return .pod(names[0], uid: names[1])
    default: throw CapabilityError(.notFound, "find \(ref)", because: "it is no token of \(username)")
    }
  }

  /// Whose the cluster says a token is; nil: it does not accept it.
  /// - Parameter audiences: for one of these; empty: for the API server. Asked about others than it was made for, the cluster
  ///   says no to a token that lives.
  func review(_ token: Secret, for audiences: [String]) async throws(CapabilityError) -> String? {
    let path = "/apis/authentication.k8s.io/v1/tokenreviews"
    let operation = "POST \(client.api.shown(path))"
    var spec: [String: JSONValue] = ["token": .string(token.exposeAsText())]
    if !audiences.isEmpty { spec["audiences"] = .array(audiences.map { .string($0) }) }
    let answer = try await client.api.ask(
      path, ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": .object(spec)],
      readOnlyBecause: "a TokenReview is answered and not kept")
    let status = try client.checked(answer, operation, changes: false)["status"]
    // The API leaves `authenticated` out when it is false.
    guard status?["authenticated"]?.boolean == true else { return nil }
    guard let name = status?["user"]?["username"]?.string else {
      throw CapabilityError(.invalid, operation, because: "the answer does not say whose it is")
    }
    return name
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify a token"
    guard let value = leak.value, let claims = ServiceAccountClaims(value) else {
      throw CapabilityError(
        .notFound, operation, because: "no value of the leak is a token of a service account",
        fix: "give the token itself: --secret env:NAME")
    }
    guard claims.namespace == settings.access.namespace, claims.account == settings.account else {
      throw CapabilityError(
        .notFound, operation, because: "it says that it is of another account than \(username)",
        fix: "give that account an entry of its own under credentials")
    }
    if try await client.api.isLogin(value) {
      throw CapabilityError(
        .unsafe, operation, because: "the leaked token is the one that the runner uses itself",
        fix: "give the runner another account, then come back")
    }
    guard try await review(value, for: claims.audiences) == username else {
      throw CapabilityError(
        .notFound, operation,
        because: "the cluster does not accept it as \(username): expired, dead, or of another cluster",
        fix: "check server in staunch.yaml")
    }
    switch claims.binding {
    case .pod(let name, let uid): return Subject(ref(.pod(name, uid: uid)))
    case .secret(let name, let uid?): return Subject(ref(.secret(name, uid: uid)))
    case .secret(let name, nil):
      let object = try await client.existing(client.path("secrets", name))
      guard let uid = object["metadata"]?["uid"]?.string else {
        throw CapabilityError(.invalid, operation, because: "Secret \(name) has no uid")
      }
      return Subject(ref(.secret(name, uid: uid)))
    case .node, .nothing: return Subject(ref(.unbound))
    }
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    let account = try await client.existing(accountPath)
    var found: [CredentialRef] = []
    for name in (account["secrets"]?.array ?? []).compactMap({ $0["name"]?.string })
    where KubernetesClient.isName(name) {
      if let uid = try await client.object(client.path("secrets", name))?["metadata"]?["uid"]?.string {
        found.append(ref(.secret(name, uid: uid)))
      }
    }
    return found
  }

  // MARK: a new one

  public func generate() throws(CapabilityError) -> Secret? { nil }

  /// The Secret that a token of this run is bound to.
  private func anchor(_ marker: String) -> String {
    let word = marker.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? String($0) : "-" }
      .joined()
    return "\(settings.account)-token-\(word.prefix(60))x"
  }

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let name = anchor(order.marker)
    let secret = try await client.create(
      client.path("secrets"),
      [
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": ["name": .string(name), "annotations": ["staunch/token-of": .string(settings.account)]],
      ], under: authority)
    guard let uid = secret["metadata"]?["uid"]?.string else {
      throw CapabilityError(.unknownOutcome, "make Secret \(name)", because: "the answer has no uid")
    }
    var spec: [String: JSONValue] = [
      "expirationSeconds": .integer(settings.lifetime),
      "boundObjectRef": ["kind": "Secret", "apiVersion": "v1", "name": .string(name), "uid": .string(uid)],
    ]
    if !settings.audiences.isEmpty { spec["audiences"] = .array(settings.audiences.map { .string($0) }) }
    let answer = try await client.create(
      accountPath + "/token",
      ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": .object(spec)],
      under: authority)
    guard let token = answer["status"]?["token"]?.string else {
      throw CapabilityError(
        .unknownOutcome, "POST \(client.api.shown(accountPath))/token", because: "the answer holds no token")
    }
    let expiry = answer["status"]?["expirationTimestamp"]?.string.flatMap { Self.time($0) }
    return IssuedCredential(
      ref: ref(.secret(name, uid: uid)), material: Material(Secret(token), expiry: expiry))
  }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  {
    let name = anchor(marker)
    guard let object = try await client.object(client.path("secrets", name)),
      object["metadata"]?["annotations"]?["staunch/token-of"]?.string == settings.account,
      let uid = object["metadata"]?["uid"]?.string
    else { return [] }
    return [ref(.secret(name, uid: uid))]
  }

  // MARK: the end of one

  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) { try await end(ref, under: authority) }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { try await end(ref, under: authority) }

  private func end(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let (path, uid): (String, String)
    switch try place(ref) {
    case .secret(let name, let its): (path, uid) = (client.path("secrets", name), its)
    case .pod(let name, let its): (path, uid) = (client.path("pods", name), its)
    case .unbound:
      throw CapabilityError(
        .unsupported, "stop \(ref)",
        because: "it is bound to the account alone: it lives until it expires, or the account is deleted",
        fix: "delete and make \(username) anew (every token of it dies, its pods must restart): "
          + "kubectl -n \(settings.access.namespace) delete serviceaccount \(settings.account)")
    }
    // A namesake with another uid is not touched, and is none of ours.
    guard try await client.object(path)?["metadata"]?["uid"]?.string == uid else { return }
    try await client.delete(path, uid: uid, under: authority)
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  { SessionCount(found: 0, ended: 0, left: 0) }  // the API lists none

  // MARK: verdict

  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let url = settings.access.server + "/api"
    // Without our client certificate, which would be believed instead.
    let trust = try await settings.access.authorities(in: environment)
    // Other audiences than the API server's are named by the token itself, which is no risk: the cluster has signed them, or
    // does not accept it.
    let audiences = ServiceAccountClaims(secret)?.audiences ?? []
    let probe = KeyProbe(
      base: settings.access.server, trust: trust, environment: environment,
      request: { .get(url, headers: [("Authorization", .secret(prefix: "Bearer ", $0))]) },
      read: { answer in
        switch (answer.status, KubernetesClient.reason(of: answer)) {
        case (200, _): CredentialProbe(.alive, code: "200")
        case (403, "Forbidden"?): CredentialProbe(.alive, code: "403 Forbidden")
        case (401, "Unauthorized"?): CredentialProbe(.dead, code: "401 Unauthorized")
        default: CredentialProbe(.unknown, code: "\(answer.status)")
        }
      })
    let verdict = try await probe.verdict(on: secret) { () async throws(CapabilityError) in
      do throws(CapabilityError) {
        if try await review(secret, for: []) != nil { return "TokenReview accepts it" }
        guard !audiences.isEmpty, try await review(secret, for: audiences) != nil else { return nil }
        return Self.elsewhere
      } catch { return "TokenReview could not be asked (\(error.because))" }
    }
    return verdict.state == .unknown && verdict.code.hasSuffix(Self.elsewhere)
      ? CredentialProbe(.alive, code: "TokenReview") : verdict
  }

  /// The API server refuses it, and those it was made for accept it.
  private static let elsewhere = "TokenReview accepts it for others"
}
