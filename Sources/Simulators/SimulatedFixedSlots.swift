public import Capabilities
import Incidents
public import Secrets

/// Two keys that are always there and whose ids never change; one can only be set anew: Azure storage, Twilio's tokens.
///
/// Issuing sets the slot that did not leak, disabling the one that did.
public struct SimulatedFixedSlots: SimulatedProvider {
  public static let kind = "simulated-slots"
  public static let summary = "A simulated account with two fixed keys."

  public let world: SimulatedAccount
  public let capabilities: ProviderCapabilities

  public init(conditions: any SimulatorConditions) {
    capabilities = .simulated(.slot, overlap: .alternate, disable: .irreversible, conditions)
    world = SimulatedAccount(conditions: conditions)
    world.add(CredentialRef("key1"), "slot-leaked-00000000", isOld: true)
    world.add(CredentialRef("key2"), "slot-other-000000000", isOld: true)
  }

  public var leak: Leak { Leak(Secret("slot-leaked-00000000")) }

  public func slots() async throws(CapabilityError) -> Slots? {
    try await world.conditions.ask("list")
    return Slots(limit: 2, taken: world.entries.map(\.ref))
  }

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    guard let leak = order.replacing else {
      throw CapabilityError(.invalid, "issue", because: "which of the two leaked is not known")
    }
    let leaked = try await subject(of: leak).identity
    guard let free = world.entries.first(where: { $0.ref != leaked })?.ref else {
      throw CapabilityError(.notFound, "issue", because: "there is no other slot")
    }
    let world = world
    let value = try await world.conditions.change("set \(free)", isRepeatable: false) {
      () throws(CapabilityError) -> String in
      let value = "slot-issued-\(world.number())-000000"
      world.note("set \(free)")
      world.replace(free, with: value)
      return value
    }
    return IssuedCredential(ref: free, secret: Secret(value))
  }

  /// Sets the slot anew: its new value is told to nobody.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard ref != replacedBy else {
      throw CapabilityError(.unsafe, "disable \(ref)", because: "it is the slot of the replacement")
    }
    // Whoever has set it anew already has stopped what leaked.
    if let value = leak.value, world.entry(ref)?.value != value.exposeAsText() { return }
    let world = world
    try await world.conditions.change("set \(ref)", isRepeatable: true) { () throws(CapabilityError) in
      world.note("set \(ref)")
      world.replace(ref, with: "slot-nobody-\(world.number())-00000")
    }
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    throw CapabilityError(.unsupported, "delete \(ref)", because: "the two slots are always there")
  }
}
