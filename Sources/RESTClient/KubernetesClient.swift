public import Capabilities
import Foundation
public import JSON

/// How the runner reaches a cluster's API, as every adapter's settings begin.
public struct KubernetesAccess: Sendable {
  public let server: String
  public let namespace: String
  let login: Login

  enum Login: Sendable {
    /// - Parameter token: `file:` of the pod's own is read anew at each call: the kubelet rotates it.
    case named(token: String?, trust: ServerTrust?)
    case kubeconfig(Kubeconfig)
  }

  private static let mount = "/var/run/secrets/kubernetes.io/serviceaccount"

  /// - Throws: `.configuration`.
  public init(from read: inout SettingsReader) throws(CapabilityError) {
    let server = try read.optionalText(
      "server",
      "the API server's address, as in a kubeconfig; when absent the cluster that the runner itself runs in")
    let token = try read.optionalReference(
      "token", "the runner's own bearer token; without one, the client certificate or the pod's own account")
    let kubeconfig = try read.optionalText(
      "kubeconfig",
      "a kubeconfig file, by its absolute path: its token or client certificate and its authority are taken, its server must be `server`; users that run programs are refused"
    )
    let context = try read.optionalText("context", "the context of it; its current-context when absent")
    let trust = try read.trust()
    namespace = try read.text("namespace", "the namespace")
    try read.check(
      server?.hasPrefix("https://") ?? true || server?.hasPrefix("http://127.0.0.1:") ?? true,
      "server is no https address", fix: "write server: https://kubernetes.example:6443")
    try read.check(
      KubernetesClient.isName(namespace), "namespace is no name", fix: "see: kubectl get namespaces")
    try read.check(
      context == nil || kubeconfig != nil, "context stands without kubeconfig", fix: "name the file, too")
    guard let server else {
      try read.check(
        kubeconfig == nil, "kubeconfig stands without server: its context may be another one tomorrow",
        fix:
          "write server: what this prints: kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'"
      )
      self.server = "https://kubernetes.default.svc"
      login = .named(
        token: token ?? "file:\(Self.mount)/token",
        trust: trust ?? ServerTrust(authorities: "\(Self.mount)/ca.crt"))
      return
    }
    self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
    if let kubeconfig {
      try read.check(
        token == nil && trust == nil, "kubeconfig stands beside token or tls_*", fix: "name one way to log in"
      )
      try read.check(
        kubeconfig.hasPrefix("/") && !kubeconfig.contains(":"), "kubeconfig is no absolute path of one file",
        fix: "write kubeconfig: /home/staunch/.kube/config")
      login = .kubeconfig(Kubeconfig(path: kubeconfig, context: context, server: self.server))
      return
    }
    try read.check(
      token != nil || trust?.certificate != nil, "neither token nor tls_certificate says who the runner is",
      fix: "name one, or kubeconfig")
    login = .named(token: token, trust: trust)
  }

  /// Whom to believe at the server, without showing who we are.
  public func authorities(in environment: AdapterEnvironment) async throws(CapabilityError) -> ServerTrust {
    var trust = ServerTrust()
    switch login {
    case .named(_, let own): trust.authorities = own?.authorities
    case .kubeconfig(let file):
      trust.authorities = try await file.read(in: environment.files).trust.authorities
    }
    return trust
  }
}

/// Kubernetes' API: paths, lists, and what a refusal means.
///
/// Every object has a `resourceVersion`; a change that names an older one is refused with 409, so nothing that somebody else
/// wrote meanwhile is overwritten. The texts of a Status are never shown: only its `reason`, a word of the API.
/// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/
public struct KubernetesClient: Sendable {
  /// The annotation of an immutable Secret's successor: the `uid` of the one before it, which only who reads Secrets knows.
  public static let succession = "staunch/succeeds"

  public let api: RESTClient
  public let namespace: String

  public init(_ access: KubernetesAccess, environment: AdapterEnvironment, fix: String) {
    namespace = access.namespace
    switch access.login {
    case .named(let token, let trust):
      api = RESTClient(
        base: access.server, login: token.map { .init($0) } ?? .nobody, trust: trust,
        environment: environment,
        fix: fix)
    case .kubeconfig(let file):
      api = RESTClient(
        base: access.server,
        login: .init(asking: { () async throws(CapabilityError) in
          try await file.read(in: environment.files).token
        }),
        trusting: { () async throws(CapabilityError) in try await file.read(in: environment.files).trust },
        environment: environment, fix: fix)
    }
  }

  /// A name of the API: a DNS subdomain (RFC 1123).
  public static func isName(_ text: String) -> Bool {
    let isEnd = { (byte: UInt8) in (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) }
    guard let first = text.utf8.first, let last = text.utf8.last, isEnd(first), isEnd(last) else {
      return false
    }
    return text.utf8.count <= 253 && text.utf8.allSatisfy { isEnd($0) || $0 == 0x2D || $0 == 0x2E }
  }

  /// A key of a Secret's `data`.
  public static func isDataKey(_ text: String) -> Bool {
    !text.isEmpty && text != "." && text != ".." && text.utf8.count <= 253
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || [0x2D, 0x2E, 0x5F].contains(byte)
      }
  }

  /// `/api/v1/namespaces/NS/KIND/NAME`.
  /// - Parameters:
  ///   - group: `apps/v1`; nil: the core group.
  ///   - name: nil: all of the kind.
  public func path(_ kind: String, _ name: String? = nil, group: String? = nil) -> String {
    (group.map { "/apis/\($0)" } ?? "/api/v1") + "/namespaces/\(namespace)/\(kind)"
      + (name.map { "/\($0)" } ?? "")
  }

  // MARK: answers

  /// The Status's own word: `NotFound`, `Conflict`, `Forbidden`; nil: a proxy answered, or it is none.
  public static func reason(of answer: HTTPResponse) -> String? {
    let json = try? JSONValue(parsing: answer.body)  // no JSON: not the API's own answer
    guard json?["kind"]?.string == "Status" else { return nil }
    return json?["reason"]?.string
  }

  /// What an answer says went wrong; nil: nothing. A 404 that is no Status is a wrong address, not an object that is gone.
  public func failure(of answer: HTTPResponse, _ operation: String, changes: Bool) -> CapabilityError? {
    guard let failure = api.failure(of: answer, operation, changes: changes) else { return nil }
    let reason = Self.reason(of: answer)
    if failure.class == .notFound, reason != "NotFound" {
      return CapabilityError(
        .configuration, operation, because: "the server has no such API (HTTP \(answer.status))",
        fix: "check server in staunch.yaml, and that the cluster has this kind: kubectl api-resources")
    }
    switch reason {
    case "Conflict":
      return CapabilityError(
        .conflict, operation, because: "somebody else changed it at the same time", fix: "staunch resume")
    case "AlreadyExists": return CapabilityError(.conflict, operation, because: "it is there already")
    case "Invalid":
      return CapabilityError(.invalid, operation, because: "the API does not accept it (422 Invalid)")
    default: return failure
    }
  }

  /// - Throws: ``failure(of:_:changes:)``, or `.unknownOutcome` when it was done and cannot be read.
  public func checked(_ answer: HTTPResponse, _ operation: String, changes: Bool) throws(CapabilityError)
    -> JSONValue
  {
    if let failure = failure(of: answer, operation, changes: changes) { throw failure }
    do throws(JSONError) { return try JSONValue(parsing: answer.body) } catch {
      throw CapabilityError(
        changes ? .unknownOutcome : .invalid, operation, because: "the answer is not JSON",
        fix: "check server")
    }
  }

  // MARK: calls

  /// One object; nil: there is none.
  public func object(_ path: String) async throws(CapabilityError) -> JSONValue? {
    let operation = "GET \(api.shown(path))"
    let answer = try await api.answer(path)
    if answer.status == 404, Self.reason(of: answer) == "NotFound" { return nil }
    return try checked(answer, operation, changes: false)
  }

  /// One object. - Throws: `.notFound` when there is none.
  public func existing(_ path: String) async throws(CapabilityError) -> JSONValue {
    if let object = try await object(path) { return object }
    throw CapabilityError(
      .notFound, "GET \(api.shown(path))", because: "the cluster has none of this name",
      fix: "check the name and the namespace in staunch.yaml")
  }

  /// No list of ours has more pages; beyond, something is wrong.
  private static let mostPages = 200

  /// Every object of a list. - Parameter query: for example `labelSelector=…`, escaped.
  public func list(_ path: String, _ query: String = "") async throws(CapabilityError) -> [JSONValue] {
    let operation = "GET \(api.shown(path))"
    var found: [JSONValue] = []
    var token = ""
    for _ in 0..<Self.mostPages {
      let page = "limit=500" + (token.isEmpty ? "" : "&continue=\(RESTClient.escaped(token))")
      let answer = try await api.answer("\(path)?\(page)" + (query.isEmpty ? "" : "&\(query)"))
      // 410: the list is too old to go on with; half of it is none.
      let json = try checked(answer, operation, changes: false)
      guard let items = json["items"]?.array else {
        throw CapabilityError(.invalid, operation, because: "the answer is no list", fix: "check server")
      }
      found += items
      token = json["metadata"]?["continue"]?.string ?? ""
      if token.isEmpty { return found }
    }
    throw CapabilityError(.invalid, operation, because: "the list has no end")
  }

  @discardableResult
  public func create(_ path: String, _ object: JSONValue, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> JSONValue
  {
    try checked(
      try await api.change(.post, path, object, under: authority), "POST \(api.shown(path))", changes: true)
  }

  /// A merge patch (RFC 7396), which leaves what it does not name. - Parameter patch: with the `resourceVersion` that was read.
  @discardableResult
  public func patch(_ path: String, _ patch: JSONValue, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> JSONValue
  {
    try checked(
      try await api.change(.patch, path, patch, type: "application/merge-patch+json", under: authority),
      "PATCH \(api.shown(path))", changes: true)
  }

  /// Deletes the object of this `uid` and no other that has its name by now; one that is gone is fine.
  public func delete(_ path: String, uid: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let answer = try await api.change(
      .delete, path, ["kind": "DeleteOptions", "apiVersion": "v1", "preconditions": ["uid": .string(uid)]],
      under: authority)
    if let failure = failure(of: answer, "DELETE \(api.shown(path))", changes: true),
      failure.class != .notFound
    {
      throw failure
    }
  }

  // MARK: doctor

  /// One right: `get` of `secrets` named `app`.
  public struct Right: Sendable {
    let verb: String
    let resource: String
    let name: String?
    let group: String
    public init(_ verb: String, _ resource: String, _ name: String? = nil, group: String = "") {
      self.verb = verb
      self.resource = resource
      self.name = name
      self.group = group
    }
    var text: String { "\(verb) \(resource)" + (name.map { " \($0)" } ?? "") }
  }

  /// Asks the cluster for each right (SelfSubjectAccessReview).
  public func readiness(_ rights: [Right]) async -> [Readiness] {
    var found: [Readiness] = []
    for right in rights {
      var attributes: [String: JSONValue] = [
        "namespace": .string(namespace), "verb": .string(right.verb), "group": .string(right.group),
      ]
      let parts = right.resource.split(separator: "/").map(String.init)
      attributes["resource"] = .string(parts[0])
      if parts.count > 1 { attributes["subresource"] = .string(parts[1]) }
      if let name = right.name { attributes["name"] = .string(name) }
      do throws(CapabilityError) {
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        let answer = try await api.ask(
          path,
          [
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": ["resourceAttributes": .object(attributes)],
          ], readOnlyBecause: "a SelfSubjectAccessReview is answered and not kept")
        let review = try checked(answer, "POST \(api.shown(path))", changes: false)
        switch review["status"]?["allowed"]?.boolean {
        case true: found.append(Readiness(right.text, .ready("allowed in \(namespace)")))
        case false:
          found.append(
            Readiness(
              right.text,
              .missing(
                because: "the runner may not \(right.text) in \(namespace)",
                fix:
                  "give the runner's role that verb; what it has: kubectl auth can-i --list -n \(namespace)"))
          )
        case nil: found.append(Readiness(right.text, .unknown(because: "the answer does not say")))
        }
      } catch { found.append(Readiness(right.text, error)) }
    }
    return found
  }
}
