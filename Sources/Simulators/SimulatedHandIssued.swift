public import Capabilities
import Incidents
public import Secrets
import Synchronization

/// A token that only a person can issue, and whose holder can revoke it with nothing configured: GitHub, Hugging Face,
/// Slack. One entry is for every token of the kind.
public struct SimulatedHandIssued: SimulatedProvider {
  public static let kind = "simulated-token"
  public static let summary = "A simulated token that a person issues and that revokes itself."

  public let world: SimulatedAccount
  public let capabilities: ProviderCapabilities
  private let desk = Desk()

  /// Where the person puts what they issued.
  private final class Desk: Sendable {
    let value = Mutex<String?>(nil)
  }

  public init(conditions: any SimulatorConditions) {
    capabilities = .simulated(
      .human, authority: .`self`, overlap: .several, disable: .irreversible, conditions)
    world = SimulatedAccount(conditions: conditions)
    world.add(CredentialRef("token/0"), "token-leaked-00000000", isOld: true)
    world.add(CredentialRef("token/1"), "token-innocent-000000", isOld: true)
  }

  public var leak: Leak { Leak(Secret("token-leaked-00000000")) }
  public var handOverPlace: String? { "file:/new-token" }

  /// A person issues a token and puts it there.
  public func handOver() {
    let number = world.number()
    let value = "token-by-hand-\(number)-0000"
    world.add(CredentialRef("token/by-hand-\(number)"), value)
    desk.value.withLock { $0 = value }
  }

  public func handedOver() async throws(CapabilityError) -> IssuedCredential {
    guard let value = desk.value.withLock({ $0 }) else {
      throw CapabilityError(
        .awaitsPerson, "issue", because: "a person issues it, and it is not there yet",
        fix: "make one and write it to /new-token")
    }
    guard let entry = world.entry(holding: value) else {
      throw CapabilityError(.notFound, "issue", because: "what was handed over is no token of the account")
    }
    return IssuedCredential(ref: entry.ref, secret: Secret(value))
  }

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  { try await handedOver() }

  /// Whoever holds it may revoke it, and nobody else.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let value = try leak.requireValue(to: "revoke").exposeAsText()
    let world = world
    try await world.conditions.change("revoke", isRepeatable: true) { () throws(CapabilityError) in
      world.note("revoke")
      if let entry = world.entry(holding: value) { world.set(false, entry.value) }
    }
  }
}
