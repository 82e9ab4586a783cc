public import Capabilities
import JSON
import RESTClient
public import Secrets

/// An ExternalSecret of External Secrets Operator: it is told to fetch its value now, and has done so when its `refreshTime` is
/// a newer one.
///
/// A fetch that had begun before it was told would bring the old value under a newer `refreshTime`: its
/// `syncedResourceVersion` is still the one before, and does not count.
/// The operator writes a Secret; programs that read it by environment are restarted by `kubernetes-workload` after it. The
/// `refreshTime` before is kept in an annotation, so no clock is compared and another process can go on.
/// A newer fetch may still bring the old value (a store's cache): what the Secret holds is looked at, where the runner may.
/// The runner needs `get` and `patch` of the ExternalSecret.
/// Sources: https://external-secrets.io/latest/introduction/faq/ (force-sync),
/// https://external-secrets.io/latest/api/externalsecret/ (refreshInterval, refreshPolicy, status)
public struct ExternalSecret: Consumer {
  struct Settings: AdapterSettings {
    let access: KubernetesAccess
    let name: String
    let version: String
    init(from read: inout SettingsReader) throws(CapabilityError) {
      access = try KubernetesAccess(from: &read)
      name = try read.text("name", "its name")
      version = try read.word(
        "version", of: ["v1", "v1beta1"], default: "v1",
        "of the API external-secrets.io, as the cluster has it")
      try read.check(
        KubernetesClient.isName(name), "name is no name of the API", fix: "see: kubectl get externalsecrets")
    }
  }

  public static let kind = "external-secret"
  public static let summary = "An ExternalSecret of a Kubernetes cluster, which fetches a store's value."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "get and patch of the ExternalSecret; to see what it wrote, get of its Secret",
    survives: "programs that read the Secret by environment, until they are restarted",
    can: [.holdings])
  public static let settings = Settings.declarations

  private static let marker = "staunch/synced-by"
  private static let before = "staunch/refresh-time-before"
  private static let synced = "staunch/synced-version-before"

  let settings: Settings
  let client: KubernetesClient

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    client = KubernetesClient(
      settings.access, environment: environment,
      fix: "the runner's account needs get and patch of externalsecrets")
  }

  private var shown: String { "ExternalSecret \(settings.access.namespace)/\(settings.name)" }
  private var path: String {
    client.path("externalsecrets", settings.name, group: "external-secrets.io/\(settings.version)")
  }

  public func readiness() async -> [Readiness] {
    await client.readiness(
      ["get", "patch"].map { .init($0, "externalsecrets", settings.name, group: "external-secrets.io") })
  }

  public func plan() async throws(CapabilityError) -> PlannedEffect {
    let object = try await client.existing(path)
    try checkRefreshes(object)
    var unknown = [
      "which programs read its Secret by environment: they go on with the old value until a restart"
    ]
    let interval = object["spec"]?["refreshInterval"]?.string ?? "1h"
    if interval.allSatisfy({ "0hms".contains($0) }) {
      unknown.append("its refreshInterval is 0: without being told so it never fetches a value again")
    }
    return PlannedEffect(
      will: "make \(shown) fetch its value now", target: settings.name, reversible: true,
      affected: [settings.name],
      cannotPredict: unknown)
  }

  private func checkRefreshes(_ object: JSONValue) throws(CapabilityError) {
    guard object["spec"]?["refreshPolicy"]?.string != "CreatedOnce" else {
      throw CapabilityError(
        .configuration, "sync \(shown)",
        because: "its refreshPolicy is CreatedOnce: it never fetches a value again",
        fix: "set refreshPolicy: Periodic, or delete the Secret that it made")
    }
  }

  /// Repeating it with the same marker changes nothing.
  public func rollOut(marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let object = try await client.existing(path)
    try checkRefreshes(object)
    guard object["metadata"]?["annotations"]?[Self.marker]?.string != marker else { return }
    guard let version = object["metadata"]?["resourceVersion"] else {
      throw CapabilityError(
        .invalid, "GET \(client.api.shown(path))", because: "the answer is no ExternalSecret")
    }
    try await client.patch(
      path,
      [
        "metadata": [
          "resourceVersion": version,
          "annotations": [
            "force-sync": .string(marker), Self.marker: .string(marker),
            Self.before: .string(object["status"]?["refreshTime"]?.string ?? ""),
            Self.synced: .string(object["status"]?["syncedResourceVersion"]?.string ?? ""),
          ],
        ]
      ], under: authority)
  }

  public func health() async throws(CapabilityError) -> ConsumerHealth {
    let object = try await client.existing(path)
    let ready = object["status"]?["conditions"]?.array?.first { $0["type"]?.string == "Ready" }
    if ready?["status"]?.string == "False" {
      let reason = (ready?["reason"]?.string ?? "").filter { $0.isASCII && $0.isLetter }
      return ConsumerHealth(.unhealthy, evidence: "\(shown) is not Ready: \(reason)")
    }
    let time = object["status"]?["refreshTime"]?.string ?? ""
    guard let before = object["metadata"]?["annotations"]?[Self.before]?.string else {
      return ConsumerHealth(.unknown, evidence: "\(shown): nobody has told it to fetch its value")
    }
    // RFC 3339 in UTC: texts are in the order of times.
    guard time > before, ready?["status"]?.string == "True" else {
      return ConsumerHealth(
        .unknown, evidence: "\(shown): its last refreshTime is still \(before.isEmpty ? "none" : before)")
    }
    // Generation, and a hash of labels and annotations, ours among them. Operators of former times do not tell it.
    if let version = object["status"]?["syncedResourceVersion"]?.string,
      version == object["metadata"]?["annotations"]?[Self.synced]?.string
    {
      return ConsumerHealth(
        .unknown, evidence: "\(shown): its last fetch had begun before it was told to fetch its value")
    }
    return ConsumerHealth(
      .healthy, evidence: "\(shown): refreshed at \(time), before that \(before.isEmpty ? "never" : before)")
  }

  /// Of the Secret that it writes.
  public func holdings(of secrets: [Secret]) async throws(CapabilityError) -> ConsumerHoldings {
    let target = try await client.existing(path)["spec"]?["target"]
    let name = target?["name"]?.string ?? settings.name
    guard KubernetesClient.isName(name) else {
      throw CapabilityError(.invalid, "GET \(client.api.shown(path))", because: "it names no Secret")
    }
    let shown = "Secret \(settings.access.namespace)/\(name)"
    do throws(CapabilityError) {
      guard let secret = try await client.object(client.path("secrets", name)) else {
        return ConsumerHoldings(unread: ["\(shown): it is not there"])
      }
      let keys = try HeldValues(secrets).keys(of: secret).sorted()
      return keys.isEmpty
        ? ConsumerHoldings(moved: [shown])
        : ConsumerHoldings(holding: ["\(shown) (\(keys.joined(separator: ", ")))"])
    } catch { return ConsumerHoldings(unread: ["\(shown): \(error.because)"]) }
  }
}
