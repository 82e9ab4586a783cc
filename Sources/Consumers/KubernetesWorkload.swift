public import Capabilities
import Foundation
import JSON
import RESTClient
public import Secrets

/// A Deployment, StatefulSet or DaemonSet whose pods read a Secret: they are replaced as by `kubectl rollout restart`.
///
/// Healthy is said when the controller has seen the change, every replica is of the new template and available, and no older
/// pod of it is left, also none that is still ending: whoever started before the change holds the old value in its
/// environment. A new pod is known by the annotation that it has from its template, so no clock is compared. Pods of others
/// that read the same Secret and are older than the first new one are named. Where the Secret is immutable, the template is
/// made to read its newest generation (`kubernetes-secret`). Which pods hold an old value is told by ``PodHoldings``.
/// The runner needs `get` and `patch` of the workload and `list` of pods; with `secret`, `get` of its generations.
/// Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status,
/// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/
public struct KubernetesWorkload: Consumer {
  struct Settings: AdapterSettings {
    let access: KubernetesAccess
    let workload: String
    let name: String
    let secret: String?
    init(from read: inout SettingsReader) throws(CapabilityError) {
      access = try KubernetesAccess(from: &read)
      workload = try read.word(
        "workload", of: ["deployment", "statefulset", "daemonset"], default: "deployment", "what it is")
      name = try read.text("name", "its name")
      secret = try read.optionalText(
        "secret",
        "the Secret that its pods read: what reads it how is told, and an immutable one's successor is put in"
      )
      try read.check(
        KubernetesClient.isName(name) && secret.map(KubernetesClient.isName) ?? true,
        "name or secret is no name of the API", fix: "see: kubectl get deployments,secrets")
    }
  }

  public static let kind = "kubernetes-workload"
  public static let summary = "A Deployment, StatefulSet or DaemonSet of a Kubernetes cluster."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "get and patch of the workload; list of pods; with secret, get of its generations",
    survives: "pods that read the same Secret and are not of the workload: they are named",
    can: [.older, .holdings])
  public static let settings = Settings.declarations

  /// Of ours, on the template and so on each new pod.
  static let marker = "staunch/rolled-out-by"
  private static let restartedAt = "kubectl.kubernetes.io/restartedAt"

  let settings: Settings
  let client: KubernetesClient
  private let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    self.environment = environment
    client = KubernetesClient(
      settings.access, environment: environment,
      fix: "the runner's account needs the rights that staunch doctor lists for this consumer")
  }

  private var shown: String { "\(settings.workload) \(settings.access.namespace)/\(settings.name)" }
  private var path: String { client.path(settings.workload + "s", settings.name, group: "apps/v1") }

  public func readiness() async -> [Readiness] {
    let kind = settings.workload + "s"
    var rights: [KubernetesClient.Right] = [
      .init("get", kind, settings.name, group: "apps"), .init("patch", kind, settings.name, group: "apps"),
      .init("list", "pods"),
    ]
    if let secret = settings.secret { rights.append(.init("get", "secrets", secret)) }
    return await client.readiness(rights)
  }

  public func plan() async throws(CapabilityError) -> PlannedEffect {
    let object = try await client.existing(path)
    try checkMoves(object)
    var unknown = ["how long its pods take to start"]
    if object["spec"]?["replicas"]?.integer == 0 {
      unknown.append("whether it works: it has no replicas now")
    }
    if let secret = settings.secret, let template = object["spec"]?["template"]?["spec"] {
      let ways = KubernetesPodSpec(spec: template, secret: secret).ways
      if ways.isEmpty { unknown.append("whether it reads Secret \(secret): its template does not name it") }
    }
    return PlannedEffect(
      will: "replace the pods of \(shown)", target: settings.name, reversible: true,
      affected: [settings.name],
      cannotPredict: unknown)
  }

  /// - Throws: `.configuration` where a new template moves no pod by itself.
  private func checkMoves(_ object: JSONValue) throws(CapabilityError) {
    func stuck(_ because: String, _ fix: String) -> CapabilityError {
      CapabilityError(.configuration, "restart \(shown)", because: because, fix: fix)
    }
    let name = "\(settings.workload)/\(settings.name) -n \(settings.access.namespace)"
    if object["spec"]?["paused"]?.boolean == true {
      throw stuck("it is paused: its pods would stay", "kubectl rollout resume \(name)")
    }
    if object["spec"]?["updateStrategy"]?["type"]?.string == "OnDelete" {
      throw stuck(
        "its updateStrategy is OnDelete: a pod is replaced only when somebody deletes it",
        "delete its pods one after another, or set RollingUpdate")
    }
  }

  /// Changes the template over the version that was read. Repeating it with the same marker changes nothing.
  public func rollOut(marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let object = try await client.existing(path)
    try checkMoves(object)
    guard let template = object["spec"]?["template"], let version = object["metadata"]?["resourceVersion"]
    else {
      throw CapabilityError(.invalid, "GET \(client.api.shown(path))", because: "the answer is no workload")
    }
    var spec: [String: JSONValue] = [:]
    if let secret = settings.secret, let pods = template["spec"],
      let newest = try await generation(of: secret)
    {
      spec = KubernetesPodSpec(spec: pods, secret: secret).pointing(at: newest)
    }
    let isDone = template["metadata"]?["annotations"]?[Self.marker]?.string == marker
    guard !isDone || !spec.isEmpty else { return }
    let now = environment.now().formatted(.iso8601)
    var change: [String: JSONValue] = [
      "metadata": ["annotations": [Self.restartedAt: .string(now), Self.marker: .string(marker)]]
    ]
    // Lists are replaced whole; what was read is what is written back.
    if !spec.isEmpty { change["spec"] = .object(spec) }
    try await client.patch(
      path, ["metadata": ["resourceVersion": version], "spec": ["template": .object(change)]],
      under: authority)
  }

  /// The newest generation of an immutable Secret; nil: it is mutable or not there, and the template stays as it is.
  private func generation(of secret: String) async throws(CapabilityError) -> String? {
    var newest: String?
    var before: JSONValue?
    for number in 1..<1000 {
      let name = number == 1 ? secret : "\(secret)-g\(number)"
      guard let object = try await client.object(client.path("secrets", name)) else { break }
      // A Secret that somebody else has put there is no successor.
      if let before, object["metadata"]?["annotations"]?[KubernetesClient.succession] != before { break }
      guard let uid = object["metadata"]?["uid"] else { break }
      before = uid
      let isImmutable = object["immutable"]?.boolean == true
      if number > 1 || isImmutable { newest = name }
      if !isImmutable { break }
    }
    return newest
  }

  // MARK: health

  public func health() async throws(CapabilityError) -> ConsumerHealth {
    let object = try await client.existing(path)
    let status = object["status"]
    let generation = object["metadata"]?["generation"]?.integer ?? 0
    guard let observed = status?["observedGeneration"]?.integer, observed >= generation else {
      return ConsumerHealth(.unknown, evidence: "\(shown): its controller has not seen the last change yet")
    }
    let failed = status?["conditions"]?.array?.contains {
      $0["type"]?.string == "Progressing" && $0["reason"]?.string == "ProgressDeadlineExceeded"
    }
    if failed == true {
      return ConsumerHealth(
        .unhealthy, evidence: "\(shown): ProgressDeadlineExceeded, its new pods do not become ready")
    }
    let (wanted, updated, missing) = counts(object)
    guard let wanted else {
      return ConsumerHealth(.unknown, evidence: "\(shown): its status does not say how many pods it wants")
    }
    if let secret = settings.secret, let template = object["spec"]?["template"]?["spec"],
      let newest = try await self.generation(of: secret),
      !KubernetesPodSpec(spec: template, secret: secret).pointing(at: newest).isEmpty
    {
      return ConsumerHealth(
        .unhealthy,
        evidence: "\(shown): its template does not read Secret \(newest): something has set it back (GitOps?)"
      )
    }
    let pods = try await client.list(client.path("pods"))
    let current = object["spec"]?["template"]?["metadata"]?["annotations"]?[Self.marker]
    let own = try owned(pods, by: object)
    let old = current == nil ? [] : own.filter { $0["metadata"]?["annotations"]?[Self.marker] != current }
    let strangers = foreign(
      pods, besides: own, firstNew: own.filter { $0["metadata"]?["annotations"]?[Self.marker] == current })
    let also = strangers.isEmpty ? "" : "; others that hold the old value: \(list(strangers))"
    if updated < wanted || missing > 0 {
      return ConsumerHealth(
        .unknown,
        evidence: "\(shown): \(updated) of \(wanted) pods are new, \(missing) not available or too many"
          + (old.isEmpty ? "" : "; old: \(list(old))") + also)
    }
    guard old.isEmpty else {
      return ConsumerHealth(
        .unhealthy, evidence: "\(shown): pods that hold the old value: \(list(old))" + also)
    }
    let note = current == nil ? ", none was started by a roll-out of ours" : ""
    return ConsumerHealth(
      .healthy, evidence: "\(shown): \(wanted) of \(wanted) pods are new and available\(note)" + also)
  }

  private func counts(_ object: JSONValue) -> (wanted: Int?, updated: Int, missing: Int) {
    let status = object["status"]
    func number(_ name: String) -> Int { status?[name]?.integer ?? 0 }
    switch settings.workload {
    case "daemonset":
      return (
        status?["desiredNumberScheduled"]?.integer, number("updatedNumberScheduled"),
        number("numberUnavailable")
      )
    case "statefulset":
      let wanted = object["spec"]?["replicas"]?.integer ?? 1
      return (wanted, number("updatedReplicas"), max(0, wanted - number("readyReplicas")))
    default:
      // `replicas` counts old ones too, `unavailableReplicas` is left out when it is 0.
      let wanted = object["spec"]?["replicas"]?.integer ?? 1
      return (
        wanted, number("updatedReplicas"), number("unavailableReplicas") + max(0, number("replicas") - wanted)
      )
    }
  }

  // MARK: who holds the value

  public func holdings(of secrets: [Secret]) async throws(CapabilityError) -> ConsumerHoldings {
    let object = try await client.existing(path)
    let pods = try owned(try await client.list(client.path("pods")), by: object)
    var holdings = PodHoldings(
      client, secret: settings.secret, held: HeldValues(secrets),
      marker: object["spec"]?["template"]?["metadata"]?["annotations"]?[Self.marker], now: environment.now())
    for pod in pods { await holdings.look(at: pod) }
    let found = holdings.found
    return pods.isEmpty
      ? ConsumerHoldings(unread: found.unread + ["no pod of \(shown) runs"]) : found
  }

  private func isRunning(_ pod: JSONValue) -> Bool {
    !["Succeeded", "Failed"].contains(pod["status"]?["phase"]?.string ?? "")
  }

  /// Pods that the selector takes. - Throws: `.unsupported` for a selector by expressions.
  private func owned(_ pods: [JSONValue], by object: JSONValue) throws(CapabilityError) -> [JSONValue] {
    let selector = object["spec"]?["selector"]
    guard let labels = selector?["matchLabels"]?.object, !labels.isEmpty,
      selector?["matchExpressions"]?.array?.isEmpty ?? true
    else {
      throw CapabilityError(
        .unsupported, "see the pods of \(shown)", because: "its selector is more than labels",
        fix: "see by hand: kubectl get pods -n \(settings.access.namespace)")
    }
    return pods.filter { pod in
      let own = pod["metadata"]?["labels"]
      return isRunning(pod) && labels.allSatisfy { own?[$0.key] == $0.value }
    }
  }

  /// Pods of others that read the Secret in a way that keeps the old value, and started before the first new one.
  private func foreign(_ pods: [JSONValue], besides own: [JSONValue], firstNew new: [JSONValue])
    -> [JSONValue]
  {
    guard let secret = settings.secret,
      // RFC 3339 in UTC as the server writes it: texts are in the order of times.
      let first = new.compactMap({ $0["metadata"]?["creationTimestamp"]?.string }).min()
    else { return [] }
    let names = Set(own.compactMap { $0["metadata"]?["name"]?.string })
    return pods.filter { pod in
      guard isRunning(pod), !names.contains(pod["metadata"]?["name"]?.string ?? ""),
        let made = pod["metadata"]?["creationTimestamp"]?.string, made < first
      else { return false }
      let ways = KubernetesPodSpec(spec: pod["spec"] ?? .null, secret: secret).ways
      return ways.contains(.environment) || ways.contains(.subPath)
    }
  }

  /// `app-7f9 (environment), app-8c1 (ending)`, at most ten.
  private func list(_ pods: [JSONValue]) -> String {
    let names = pods.map { pod in
      var notes: [String] = []
      if let secret = settings.secret {
        notes += KubernetesPodSpec(spec: pod["spec"] ?? .null, secret: secret).ways.map(\.rawValue)
      }
      if pod["metadata"]?["deletionTimestamp"] != nil { notes.append("ending") }
      return (pod["metadata"]?["name"]?.string ?? "?")
        + (notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))")
    }.sorted()
    return names.prefix(10).joined(separator: ", ")
      + (names.count > 10 ? " and \(names.count - 10) more" : "")
  }
}
