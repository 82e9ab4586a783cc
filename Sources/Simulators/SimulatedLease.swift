public import Capabilities
import Foundation
import Incidents
public import Secrets

/// Credentials that programs draw by themselves and that end by themselves: Vault's dynamic secrets.
///
/// There is nothing to store: what leaked is revoked, and its program draws another one.
public struct SimulatedLease: SimulatedProvider {
  public static let kind = "simulated-lease"
  public static let summary = "A simulated lease that programs draw."

  public let world: SimulatedAccount
  public let capabilities: ProviderCapabilities
  /// How long a lease lasts.
  static let life = Duration.seconds(3600)
  private static let start = Date(timeIntervalSince1970: 1_795_489_200)

  public init(conditions: any SimulatorConditions) {
    capabilities = .simulated(.leased, overlap: .several, disable: .irreversible, conditions)
    world = SimulatedAccount(conditions: conditions)
    world.add(CredentialRef("lease/0"), "lease-leaked-00000000", expiry: Self.life, isOld: true)
  }

  public var leak: Leak { Leak(Secret("lease-leaked-00000000"), handle: "lease/0") }

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let world = world
    let made = try await world.conditions.change("draw", isRepeatable: true) {
      () throws(CapabilityError) -> SimulatedAccount.Entry in
      let number = world.number()
      world.note("draw lease/\(number)")
      return world.add(
        CredentialRef("lease/\(number)"), "lease-drawn-\(number)-000000",
        expiry: world.conditions.elapsed + Self.life)
    }
    let end = Self.start.addingTimeInterval((made.expiry ?? .zero) / .seconds(1))
    return IssuedCredential(ref: made.ref, material: Material(Secret(made.value), expiry: end))
  }

  /// Revokes the lease.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let world = world
    try await world.conditions.change("revoke \(ref)", isRepeatable: true) { () throws(CapabilityError) in
      world.note("revoke \(ref)")
      world.remove(ref)
    }
  }
}
