public import Capabilities
public import Incidents
public import Secrets

/// One account on several nodes that share nothing: Redis's ACLs, MariaDB's host rows, SSH hosts.
///
/// Each node is changed and asked by itself, so each is a ref of its own.
public struct SimulatedNodes: SimulatedProvider {
  public static let kind = "simulated-nodes"
  public static let summary = "A simulated account on three nodes."

  public let world: SimulatedAccount
  public let capabilities: ProviderCapabilities
  private static let leaked = "nodes-leaked-00000000"
  /// A node that is neither changed nor asked: what a test breaks on purpose.
  public var overlooked: String?

  public init(conditions: any SimulatorConditions) {
    capabilities = .simulated(.generated, overlap: .several, conditions)
    world = SimulatedAccount(conditions: conditions, nodes: ["node-1", "node-2", "node-3"])
    world.add(CredentialRef("app"), Self.leaked, isOld: true)
  }

  public var leak: Leak { Leak(Secret(Self.leaked), handle: "app") }
  private var places: [CredentialRef] { world.nodes.map { CredentialRef("app@\($0)") } }

  /// Known by its name, and as long as any node accepts the value.
  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    try await world.conditions.ask("identify")
    let isOurs =
      leak.value.map { value in
        world.nodes.contains { world.answer(value.exposeAsText(), at: $0) == true }
      } ?? (leak.handle == "app")
    guard isOurs else { throw CapabilityError(.notFound, "identify", because: "no node knows it") }
    return Subject(CredentialRef("app"), at: places)
  }

  public func subject(_ identity: CredentialRef) async throws(CapabilityError) -> Subject {
    Subject(identity, at: identity.rawValue == "app" ? places : [])
  }

  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let node = ref.flatMap { ref in world.nodes.first { ref == CredentialRef("app@\($0)") } }
    return try await world.probe(
      secret, at: (node.map { [$0] } ?? world.nodes).filter { $0 != overlooked })
  }

  public func generate() throws(CapabilityError) -> Secret? {
    Secret("nodes-generated-\(world.number())-0123456789abcdef0123")
  }

  /// Sets it at every node. It counts when every one has it: a program may be sent to any.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    guard let generated = order.generated else {
      throw CapabilityError(.invalid, "issue", because: "no value was generated before the call")
    }
    let world = world
    let value = generated.exposeAsText()
    for node in world.nodes {
      try await world.conditions.change("set \(node)", isRepeatable: true) { () throws(CapabilityError) in
        guard world.manners.down != node else {
          throw CapabilityError(.network, "set \(node)", because: "connection refused")
        }
        world.note("set \(node)")
        world.set(true, value, at: node)
      }
    }
    return IssuedCredential(ref: CredentialRef("app/new"), secret: generated)
  }

  public func ref(ofIssued secret: Secret) async throws(CapabilityError) -> CredentialRef {
    CredentialRef("app/new")
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    try await world.conditions.ask("list")
    return [CredentialRef("app")]
  }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    // Of several values only the value itself tells which one leaked.
    let value = try leak.requireValue(to: "disable \(ref)").exposeAsText()
    let (world, overlooked) = (world, overlooked)
    let nodes = world.nodes.filter { ref.rawValue == "app" || ref == CredentialRef("app@\($0)") }
    for node in nodes {
      try await world.conditions.change("disable \(node)", isRepeatable: true) {
        () throws(CapabilityError) in
        guard world.manners.down != node else {
          throw CapabilityError(.network, "disable \(node)", because: "connection refused")
        }
        world.note("disable \(node)")
        guard node != overlooked else { return }
        world.set(false, value, at: node)
      }
    }
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let world = world
    try await world.conditions.change("delete \(ref)", isRepeatable: true) { () throws(CapabilityError) in
      world.note("delete \(ref)")
      for value in world.values where value != Self.leaked { world.set(false, value) }
    }
  }
}
