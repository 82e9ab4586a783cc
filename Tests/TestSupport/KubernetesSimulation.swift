public import JSON
public import Secrets
public import Simulators

/// ``SimulatedKubernetes`` behind a loopback server that keeps what was asked.
public final class KubernetesSimulation: Sendable {
  private let cluster = SimulatedKubernetes()
  private let server: LoopbackServer

  public init() throws {
    server = try LoopbackServer { [cluster] request in
      LoopbackServer.Reply(cluster.answer(SimulatedRequest(request)))
    }
  }

  public var url: String { server.url }
  public var requests: [LoopbackServer.Request] { server.requests }
  public var admin: Secret { cluster.admin }

  // MARK: what a test arranges

  public func put(_ path: String, _ object: JSONValue) { cluster.put(path, object) }
  public func object(_ path: String) -> JSONValue? { cluster.object(path) }
  public func remove(_ path: String) { cluster.remove(path) }
  public var paths: [String] { cluster.paths }
  public func change(_ path: String, _ patch: JSONValue) { cluster.change(path, patch) }
  public func interfere(_ path: String, _ patch: JSONValue) { cluster.interfere(path, patch) }
  public func loseNextReply() { cluster.loseNextReply() }
  public func refuseNextCall() { cluster.refuseNextCall() }
  public func deny(_ right: String) { cluster.deny(right) }
  public func makeToken(
    _ namespace: String, _ account: String, boundTo path: String? = nil, for audiences: [String] = []
  ) -> Secret {
    cluster.makeToken(namespace, account, boundTo: path, for: audiences)
  }
}

extension SimulatedRequest {
  /// What arrived at a test's server.
  public init(_ request: LoopbackServer.Request) {
    self.init(method: request.method, target: request.target, headers: request.headers, body: request.body)
  }
}

extension LoopbackServer.Reply {
  public init(_ reply: SimulatedReply) {
    switch reply {
    case .answer(let status, let headers, let body): self = .answer(status, headers: headers, body: body)
    case .hangUp: self = .hangUp
    }
  }
}
