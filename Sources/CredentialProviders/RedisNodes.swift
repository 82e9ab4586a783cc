public import Capabilities
public import Foundation
public import Incidents
import JSON
public import Secrets

/// A password of a Redis user at several nodes (`addresses:`). ACLs are not replicated, so each node is changed and asked by
/// itself: dead takes a refusal at every one, and a new password counts when every one has it.
public struct RedisNodes: CredentialProvider {
  public static let kind = RedisUser.kind
  public static let summary = RedisUser.summary
  public static let settings = RedisUser.settings

  public let capabilities: ProviderCapabilities
  public let lock: String
  public let account: CredentialRef?
  private let nodes: [Node]

  private struct Node {
    let place: String
    let user: RedisUser
    /// What is said of it: `app at cache-1:6379`.
    var ref: CredentialRef { CredentialRef("\(user.user) at \(place)") }
  }

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    var nodes: [Node] = []
    let endpoints = try PostgresRole.Endpoint.list(target)
    for endpoint in endpoints {
      var settings = target.settings
      settings["addresses"] = nil
      settings["host"] = .string(endpoint.host)
      settings["port"] = .integer(endpoint.port)
      let one = TargetConfiguration(
        name: target.name, kind: target.kind, settings: settings, position: target.position)
      var user = try RedisUser(one, in: environment)
      user.named = Set(endpoints).count
      nodes.append(Node(place: endpoint.name, user: user))
    }
    guard let first = nodes.first,
      ["host", "port", "socket"].allSatisfy({ target.settings[$0] == nil })
    else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)",
        because: nodes.isEmpty ? "addresses is empty" : "host, port or socket stand beside addresses",
        fix: "name every node once: addresses: [cache-1.example.org:6379, cache-2.example.org:6379]")
    }
    self.nodes = nodes
    capabilities = first.user.capabilities
    account = first.user.account
    lock = "redis/\(nodes.map(\.place).sorted().joined(separator: ","))/\(first.user.user)"
  }

  /// The first node that knows it tells; one that cannot be asked is no "nobody does".
  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    var unknown: CapabilityError?
    var failure: CapabilityError?
    for node in nodes {
      do throws(CapabilityError) { return try await node.user.identify(leak) } catch {
        if error.class == .notFound { unknown = unknown ?? error } else { failure = failure ?? error }
      }
    }
    throw failure ?? unknown ?? Self.noNode("identify")
  }

  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    var places: [(place: String, probe: CredentialProbe)] = []
    var failure: CapabilityError?
    // Every node is asked: one that accepts must not hide behind one that cannot be asked.
    for node in nodes {
      do throws(CapabilityError) {
        places.append((node.place, try await node.user.verify(secret, ref: ref)))
      } catch { failure = failure ?? error }
    }
    let verdict = CredentialProbe.verdict(at: places)
    if let failure, verdict.state != .alive { throw failure }
    return verdict
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    var found: Set<CredentialRef> = []
    for node in nodes { found.formUnion(try await node.user.existing()) }
    return found.sorted { $0.rawValue < $1.rawValue }
  }

  public func generate() throws(CapabilityError) -> Secret? { try nodes.first?.user.generate() }

  /// Sets it at every node; each is tried, whatever became of the others. Repeating it with the same value changes nothing
  /// where it is set already.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    var results: [RefResult] = []
    var issued: IssuedCredential?
    for node in nodes {
      do throws(CapabilityError) {
        issued = try await node.user.issue(order, under: authority)
        results.append(RefResult(node.ref))
      } catch { results.append(RefResult(node.ref, problem: error)) }
    }
    try results.check("ACL SETUSER")
    guard let issued else { throw Self.noNode("ACL SETUSER") }
    return issued
  }

  /// - Throws: `.notFound` while a node has not got it.
  public func ref(ofIssued secret: Secret) async throws(CapabilityError) -> CredentialRef {
    var ref: CredentialRef?
    for node in nodes {
      do throws(CapabilityError) { ref = try await node.user.ref(ofIssued: secret) } catch {
        throw CapabilityError(
          error.class, error.operation, because: "\(error.because) (\(node.place))", fix: error.fix)
      }
    }
    guard let ref else { throw Self.noNode("ACL GETUSER") }
    return ref
  }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    var results: [RefResult] = []
    for node in nodes {
      do throws(CapabilityError) {
        try await node.user.disable(ref, leak: leak, replacedBy: replacedBy, under: authority)
        results.append(RefResult(node.ref))
      } catch { results.append(RefResult(node.ref, problem: error)) }
    }
    try results.check("disable \(ref)")
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    var results: [RefResult] = []
    for node in nodes {
      do throws(CapabilityError) {
        try await node.user.delete(ref, under: authority)
        results.append(RefResult(node.ref))
      } catch { results.append(RefResult(node.ref, problem: error)) }
    }
    try results.check("delete \(ref)")
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    var (found, ended, left) = (0, 0, 0)
    var results: [RefResult] = []
    for node in nodes {
      do throws(CapabilityError) {
        let count = try await node.user.endSessions(ref, before: before, under: authority)
        found += count.found
        ended += count.ended
        left += count.left
        results.append(RefResult(node.ref))
      } catch { results.append(RefResult(node.ref, problem: error)) }
    }
    try results.check("end sessions of \(ref)")
    return SessionCount(found: found, ended: ended, left: left)
  }

  /// What each node says of the user, by its address: their ACLs may differ.
  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    var facts: [String: JSONValue] = ["owner": .string(account?.rawValue ?? "")]
    for node in nodes { facts[node.place] = .object(try await node.user.inspect(ref).facts) }
    return CredentialFacts(facts)
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    var seen: Bool?
    var findings: [String] = []
    for node in nodes {
      let report = try await node.user.searchAbuse(ref, since: since)
      if report.seen == true { seen = true }
      findings += report.findings.map { "\($0) (\(node.place))" }
    }
    return AbuseReport(seen: seen, covered: nil, findings: findings)
  }

  public func readiness() async -> [Readiness] {
    var found: [Readiness] = []
    for node in nodes {
      found += await node.user.readiness().map { Readiness("\($0.what) at \(node.place)", $0.verdict) }
    }
    return found
  }

  public func loginReadiness() async -> [Readiness] {
    var found: [Readiness] = []
    for node in nodes {
      found += await node.user.loginReadiness().map { Readiness("\($0.what) at \(node.place)", $0.verdict) }
    }
    return found
  }

  private static func noNode(_ operation: String) -> CapabilityError {
    CapabilityError(.invalid, operation, because: "no node is named")
  }
}
