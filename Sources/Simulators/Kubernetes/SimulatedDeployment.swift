public import Foundation
import JSON
import Synchronization

/// The controller of one Deployment of a ``SimulatedKubernetes``, and the kubelet below it: when the template changes, new pods
/// start and the old ones end.
///
/// A pod takes the Secret's values when it starts and never again, as environment variables do. Nothing happens by itself:
/// ``pass()`` brings pods and status to what they would be by now.
public final class SimulatedDeployment: Sendable {
  private struct Pod: Sendable {
    let name: String
    /// What it took from the Secret.
    let values: [String: String]
    let isReadyAt: Date
    /// Nil: nothing has replaced it.
    var endsAt: Date?
    var isEnding = false
  }
  private struct State: Sendable {
    var pods: [Pod] = []
    var generation = 0
    var number = 0
  }

  private let cluster: SimulatedKubernetes
  private let namespace: String
  private let name: String
  private let secret: String
  private let replicas: Int
  private let now: @Sendable () -> Date
  /// Whether a replaced pod takes its time to end.
  private let lingers: @Sendable () -> Bool
  private let state = Mutex(State())

  /// How long a new pod takes to be ready, and an old one to end.
  private let readyAfter: TimeInterval
  private let goneAfter: TimeInterval

  /// Puts the Deployment there, with `replicas` pods that run.
  /// - Parameters:
  ///   - keys: of the Secret; its pods get each as the environment variable of that name.
  ///   - start: how long a new pod takes to be ready.
  ///   - end: how long an old one takes to end.
  ///   - lingers: whether one of the old pods takes longer.
  public init(
    _ name: String, in namespace: String, of cluster: SimulatedKubernetes, secret: String, keys: [String],
    replicas: Int, start: TimeInterval, end: TimeInterval, now: @escaping @Sendable () -> Date,
    lingers: @escaping @Sendable () -> Bool
  ) {
    self.cluster = cluster
    self.namespace = namespace
    self.name = name
    self.secret = secret
    self.replicas = replicas
    readyAfter = start
    goneAfter = end
    self.now = now
    self.lingers = lingers
    let variables = keys.map { key -> JSONValue in
      [
        "name": .string(key),
        "valueFrom": ["secretKeyRef": ["name": .string(secret), "key": .string(key)]],
      ]
    }
    cluster.put(
      path,
      [
        "apiVersion": "apps/v1", "kind": "Deployment",
        "spec": [
          "replicas": .integer(replicas), "selector": ["matchLabels": ["app": .string(name)]],
          "template": [
            "metadata": ["labels": ["app": .string(name)]],
            "spec": [
              "containers": [["name": "server", "image": "model-server:1", "env": .array(variables)]]
            ],
          ],
        ],
      ])
    pass()
  }

  private var path: String { "/apis/apps/v1/namespaces/\(namespace)/deployments/\(name)" }
  private func path(_ pod: String) -> String { "/api/v1/namespaces/\(namespace)/pods/\(pod)" }

  /// What the running pods took from the Secret, by pod.
  public var held: [String: [String: String]] {
    pass()
    return state.withLock { Dictionary($0.pods.map { ($0.name, $0.values) }) { _, last in last } }
  }

  /// The pod that is still there although its end is over.
  public var straggler: String? {
    let moment = now()
    return state.withLock { $0.pods.first { $0.endsAt.map { $0 <= moment } ?? false }?.name }
  }

  /// Lets time pass.
  public func pass() {
    state.withLock { state in
      guard let object = cluster.object(path), let template = object["spec"]?["template"] else { return }
      let moment = now()
      let generation = object["metadata"]?["generation"]?.integer ?? 1
      if generation != state.generation {
        // The first pods are there already; those that replace them take their time.
        let delay = state.generation == 0 ? 0 : readyAfter
        for index in state.pods.indices where state.pods[index].endsAt == nil {
          state.pods[index].endsAt = moment.addingTimeInterval(goneAfter)
        }
        state.generation = generation
        for _ in 0..<replicas { start(template, at: moment, ready: moment.addingTimeInterval(delay), &state) }
      }
      end(at: moment, &state)
      report(at: moment, state)
    }
  }

  private func start(_ template: JSONValue, at moment: Date, ready: Date, _ state: inout State) {
    state.number += 1
    let pod = "\(name)-\(state.generation)-\(state.number)"
    let data = cluster.object("/api/v1/namespaces/\(namespace)/secrets/\(secret)")?["data"]?.object ?? [:]
    let values = data.compactMapValues { value in
      value.string.flatMap { Data(base64Encoded: $0) }.map { String(decoding: $0, as: UTF8.self) }
    }
    var metadata: [String: JSONValue] = [
      "labels": template["metadata"]?["labels"] ?? [:],
      "creationTimestamp": .string(moment.formatted(Date.ISO8601FormatStyle())),
    ]
    metadata["annotations"] = template["metadata"]?["annotations"]
    cluster.put(
      path(pod),
      [
        "metadata": .object(metadata), "spec": template["spec"] ?? [:], "status": ["phase": "Running"],
      ])
    state.pods.append(Pod(name: pod, values: values, isReadyAt: ready))
  }

  private func end(at moment: Date, _ state: inout State) {
    let isReplaced = state.pods.allSatisfy { $0.endsAt != nil || $0.isReadyAt <= moment }
    for index in state.pods.indices
    where state.pods[index].endsAt != nil && isReplaced && !state.pods[index].isEnding {
      state.pods[index].isEnding = true
      cluster.change(
        path(state.pods[index].name),
        ["metadata": ["deletionTimestamp": .string(moment.formatted(Date.ISO8601FormatStyle()))]])
    }
    let ended = state.pods.filter { $0.endsAt.map { $0 <= moment } ?? false }.map(\.name)
    let kept = lingers() ? ended.first : nil
    for pod in ended where pod != kept {
      cluster.remove(path(pod))
      state.pods.removeAll { $0.name == pod }
    }
  }

  /// `status.replicas` leaves out what is ending.
  private func report(at moment: Date, _ state: State) {
    let own = state.pods.filter { $0.endsAt == nil }
    let ready = own.count { $0.isReadyAt <= moment }
    let old = state.pods.count { $0.endsAt != nil && !$0.isEnding }
    let status: JSONValue = [
      "observedGeneration": .integer(state.generation), "replicas": .integer(own.count + old),
      "updatedReplicas": .integer(own.count), "availableReplicas": .integer(ready + old),
      "unavailableReplicas": .integer(own.count - ready),
    ]
    // Every change is a new version: whoever writes over the one that was read would be refused for nothing.
    if cluster.object(path)?["status"] != status { cluster.change(path, ["status": status]) }
  }
}
