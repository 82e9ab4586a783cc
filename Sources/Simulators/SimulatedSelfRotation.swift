public import Capabilities
import Incidents
public import Secrets

/// A token that turns itself into a new one; the old one dies in the same call, and a repeat with the old one destroys the
/// new one: GitLab's `self/rotate`.
public struct SimulatedSelfRotation: SimulatedProvider {
  public static let kind = "simulated-rotation"
  public static let summary = "A simulated token that rotates itself."

  public let world: SimulatedAccount
  public let capabilities: ProviderCapabilities

  public init(conditions: any SimulatorConditions) {
    capabilities = .simulated(
      .rotated, authority: .`self`, overlap: .none, disable: .irreversible, conditions)
    world = SimulatedAccount(conditions: conditions)
    world.add(CredentialRef("token-0"), Self.first, isOld: true)
  }

  private static let first = "rotating-leaked-00000000"
  public var leak: Leak { Leak(Secret(Self.first)) }

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    guard let old = order.replacing?.value?.exposeAsText() else {
      throw CapabilityError(.invalid, "rotate", because: "the token that is to be rotated is not known")
    }
    let world = world
    let made = try await world.conditions.change("rotate", isRepeatable: false) {
      () throws(CapabilityError) -> SimulatedAccount.Entry in
      world.note("rotate")
      guard world.entry(holding: old) != nil else {
        // The family of a token that is used again after it was rotated is revoked.
        for entry in world.entries where entry.name == "family" { world.remove(entry.ref) }
        throw CapabilityError(.refused, "rotate", because: "the token was rotated before (HTTP 401)")
      }
      for entry in world.entries { world.remove(entry.ref) }
      let number = world.number()
      return world.add(
        CredentialRef("token-\(number)"), "rotating-issued-\(number)-000000", name: "family")
    }
    return IssuedCredential(ref: made.ref, secret: Secret(made.value))
  }

  /// Its own value is the only authority that revokes it.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let value = try leak.requireValue(to: "revoke").exposeAsText()
    let world = world
    try await world.conditions.change("revoke", isRepeatable: true) { () throws(CapabilityError) in
      world.note("revoke")
      if let entry = world.entry(holding: value) { world.remove(entry.ref) }
    }
  }
}
