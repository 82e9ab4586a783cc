public import Capabilities
public import Foundation
public import Incidents
import JSON
public import Secrets

/// A simulated provider of one shape of credentials. What all of them do alike stands here.
public protocol SimulatedProvider: CredentialProvider {
  var world: SimulatedAccount { get }
  /// A world of its own, with one living credential.
  init(conditions: any SimulatorConditions)
  /// The living credential that a test may call leaked.
  var leak: Leak { get }
}

extension SimulatedProvider {
  public static var settings: [SettingDeclaration] { [] }

  /// For registries: a world that only this entry knows.
  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    self.init(conditions: ScriptedConditions())
  }

  public var lock: String { Self.kind }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    try await world.conditions.ask("inspect")
    return CredentialFacts(["owner": "simulated", "exists": .boolean(world.entry(ref) != nil)])
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    try await world.conditions.ask("search")
    return AbuseReport(seen: nil, covered: nil, findings: [])
  }

  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    try await world.probe(secret, at: world.nodes)
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    try await world.conditions.ask("list")
    return world.entries.map(\.ref)
  }

  public func generate() throws(CapabilityError) -> Secret? { nil }

  /// By its value, else by its id.
  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    try await world.conditions.ask("identify")
    let found =
      leak.value.map { world.entry(holding: $0.exposeAsText()) }
      ?? leak.handle.flatMap { world.entry(CredentialRef($0)) }
    guard let found else {
      throw CapabilityError(.notFound, "identify", because: "no credential of this account is it")
    }
    return Subject(found.ref)
  }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  {
    try await world.conditions.ask("list")
    return world.entries.filter {
      capabilities.issuing == .named ? $0.name == marker : !before.contains($0.ref)
    }.map(\.ref)
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  { SessionCount(found: 0, ended: 0, left: 0) }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let world = world
    try await world.conditions.change("delete \(ref)", isRepeatable: true) { () throws(CapabilityError) in
      world.note("delete \(ref)")
      world.remove(ref)
    }
  }

  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let world = world
    try await world.conditions.change("disable \(ref)", isRepeatable: true) { () throws(CapabilityError) in
      world.note("disable \(ref)")
      if let entry = world.entry(ref) { world.set(false, entry.value) }
    }
  }
}

extension ProviderCapabilities {
  static func simulated(
    _ issuing: Issuing, authority: Authority = .admin, overlap: Overlap, disable: Disable = .reversible,
    _ conditions: any SimulatorConditions
  ) -> ProviderCapabilities {
    ProviderCapabilities(
      authority: authority, overlap: overlap, disable: disable, sessions: .none, issuing: issuing,
      propagation: conditions.propagation)
  }
}

/// Every shape, one line each.
public enum Simulators {
  public static let all: [any SimulatedProvider.Type] = [
    SimulatedKeyPair.self,
    SimulatedDocument.self,
    SimulatedFixedSlots.self,
    SimulatedSelfRotation.self,
    SimulatedLease.self,
    SimulatedNodes.self,
    SimulatedHandIssued.self,
  ]
}
