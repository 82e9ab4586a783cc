import Capabilities
import Foundation
import JSON
import RESTClient

/// Which pods of a workload hold a value: as far as the API lets one see it, without looking into a container (`pods/exec` would
/// be a right to everything that runs).
///
/// A pod holds a value that stands in its own spec, that the Secret which it reads still has, or that the Secret had when the
/// pod was made: what comes by environment or `subPath` is read once. Whether that was before the Secret's change, two times
/// of the API server's own clock say (the pod's `creationTimestamp` and the `time` of the Secret's `managedFields`). Only for
/// a container that was restarted in place a node's clock counts, with a minute between. What a program read from anywhere
/// else is named, not guessed.
/// Sources: https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets,
/// https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
struct PodHoldings {
  private let client: KubernetesClient
  private let secret: String?
  private let held: HeldValues
  /// The roll-out that the template is of.
  private let marker: JSONValue?
  private let now: Date
  private var contents: [String: Content] = [:]
  private var holding: [String] = []
  private var moved: [String] = []
  private var unread: [String] = []
  private var others: Set<String> = []

  /// The kubelet refreshes mounted files within its sync period and its cache's time to live, a minute each.
  private static let refresh: TimeInterval = 300
  /// Between a node's clock and the API server's.
  private static let skew: TimeInterval = 60

  init(_ client: KubernetesClient, secret: String?, held: HeldValues, marker: JSONValue?, now: Date) {
    self.client = client
    self.secret = secret
    self.held = held
    self.marker = marker
    self.now = now
  }

  /// A generation of the Secret as it is now.
  private enum Content {
    /// - Parameters:
    ///   - keys: those whose value holds one.
    ///   - changed: when its data were; nil: the cluster does not tell.
    case read(keys: Set<String>, isImmutable: Bool, changed: Date?)
    case unread(String)
  }

  private enum Answer {
    case holds
    case moved
    case unknown(String)
  }

  var found: ConsumerHoldings {
    var unread = unread
    if secret == nil { unread.append("what its pods read from Secrets: the setting secret is not there") }
    if !others.isEmpty { unread.append("what its pods read from \(others.sorted().joined(separator: ", "))") }
    return ConsumerHoldings(holding: holding, moved: moved, unread: unread)
  }

  mutating func look(at pod: JSONValue) async {
    let name = "pod \(pod["metadata"]?["name"]?.string ?? "?")"
    let spec = pod["spec"] ?? .null
    let reader = KubernetesPodSpec(spec: spec, secret: secret ?? "")
    var places = annotations(of: pod)
    var unknown: [String] = []
    for (container, started) in running(pod) {
      let own = container["name"]?.string ?? "?"
      places += literals(of: container).map { "\(own): \($0)" }
      guard secret != nil else { continue }
      for reference in reader.references(of: container) {
        switch answer(reference, await content(of: reference.secret), pod, started) {
        case .holds: places.append("\(own): \(reference.name), \(reference.way.rawValue)")
        case .moved: break
        case .unknown(let why): unknown.append("\(name), \(own): \(reference.name): \(why)")
        }
      }
    }
    others.formUnion(reader.others)
    if !places.isEmpty { holding.append("\(name) (\(places.joined(separator: "; ")))") }
    unread += unknown
    if places.isEmpty && unknown.isEmpty { moved.append(name) }
  }

  /// Containers that run, and since when; one of which the status says nothing yet may run.
  private func running(_ pod: JSONValue) -> [(container: JSONValue, started: Date?)] {
    var found: [(container: JSONValue, started: Date?)] = []
    for (list, statuses) in [
      ("containers", "containerStatuses"), ("initContainers", "initContainerStatuses"),
      ("ephemeralContainers", "ephemeralContainerStatuses"),
    ] {
      for container in pod["spec"]?[list]?.array ?? [] {
        let status = pod["status"]?[statuses]?.array?.first { $0["name"] == container["name"] }
        if let state = status?["state"], state["running"] == nil { continue }
        found.append((container, Self.time(status?["state"]?["running"]?["startedAt"])))
      }
    }
    return found
  }

  private func literals(of container: JSONValue) -> [String] {
    var found: [String] = []
    for variable in container["env"]?.array ?? [] {
      if let value = variable["value"]?.string, held.stand(in: Array(value.utf8)) {
        found.append("\(variable["name"]?.string ?? "?"), written in its template")
      }
    }
    for list in ["command", "args"] {
      let holds = (container[list]?.array ?? []).contains { part in
        part.string.map { held.stand(in: Array($0.utf8)) } ?? false
      }
      if holds { found.append("\(list), written in its template") }
    }
    return found
  }

  private func annotations(of pod: JSONValue) -> [String] {
    (pod["metadata"]?["annotations"]?.object ?? [:]).filter { entry in
      entry.value.string.map { held.stand(in: Array($0.utf8)) } ?? false
    }.keys.sorted().map { "annotation \($0)" }
  }

  private func answer(
    _ reference: KubernetesPodSpec.Reference, _ content: Content, _ pod: JSONValue, _ started: Date?
  ) -> Answer {
    switch content {
    case .unread(let why): return .unknown(why)
    case .read(let keys, let isImmutable, let changed):
      if reference.keys.map({ !$0.isDisjoint(with: keys) }) ?? !keys.isEmpty { return .holds }
      if isImmutable { return .moved }
      guard let changed else {
        return .unknown("the cluster does not say when Secret \(reference.secret) was changed")
      }
      guard let made = Self.time(pod["metadata"]?["creationTimestamp"]) else {
        return .unknown("the cluster does not say when the pod was made")
      }
      if made > changed { return .moved }
      let isOfRollOut =
        marker != nil && pod["metadata"]?["annotations"]?[KubernetesWorkload.marker] == marker
      if made == changed && isOfRollOut { return .moved }
      if reference.way == .mount {
        return now.timeIntervalSince(changed) > Self.refresh
          ? .moved : .unknown("the kubelet may not have refreshed it yet: it takes up to two minutes")
      }
      if let started, started.timeIntervalSince(changed) > Self.skew { return .moved }
      if made == changed || started.map({ $0 >= changed }) ?? false {
        return .unknown("it started when Secret \(reference.secret) was changed")
      }
      return .holds
    }
  }

  private mutating func content(of name: String) async -> Content {
    if let known = contents[name] { return known }
    let content = await read(name)
    contents[name] = content
    return content
  }

  private func read(_ name: String) async -> Content {
    let object: JSONValue?
    do throws(CapabilityError) { object = try await client.object(client.path("secrets", name)) } catch {
      return .unread("Secret \(name): \(error.because)")
    }
    guard let object else { return .unread("Secret \(name) is gone: what it held is not known") }
    var keys: Set<String> = []
    for (key, value) in object["data"]?.object ?? [:] {
      guard let text = value.string, let bytes = Data(base64Encoded: text) else {
        return .unread("Secret \(name): \(key) is no base64")
      }
      if held.stand(in: Array(bytes)) { keys.insert(key) }
    }
    let changes = (object["metadata"]?["managedFields"]?.array ?? []).filter {
      $0["fieldsV1"]?["f:data"] != nil
    }
    return .read(
      keys: keys, isImmutable: object["immutable"]?.boolean == true,
      changed: changes.compactMap { Self.time($0["time"]) }.max())
  }

  /// RFC 3339 as the API writes it, to the second.
  private static func time(_ text: JSONValue?) -> Date? {
    guard let text = text?.string else { return nil }
    do { return try Date(text, strategy: .iso8601) } catch { return nil }  // no time: as if it were not told
  }
}
