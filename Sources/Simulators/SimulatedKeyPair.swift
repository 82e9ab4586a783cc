public import Capabilities
public import Foundation
import Incidents
public import Secrets

/// An id and a secret, two at most for each user, and no names: AWS IAM access keys.
///
/// A third key is refused. `reach` and `successors` are told, as IAM tells them.
public struct SimulatedKeyPair: SimulatedProvider {
  public static let kind = "simulated-pair"
  public static let summary = "A simulated pair of id and secret with two slots."
  public static let form = MaterialShape(
    [.init("access_key_id", secret: false), .init("secret_access_key", secret: true)],
    primary: "secret_access_key", oneText: .object)

  public let world: SimulatedAccount
  public let capabilities: ProviderCapabilities
  public var shape: MaterialShape { Self.form }
  /// What every key of the user may do.
  public var rights: Reach
  /// What the holder of the leaked one has made with it.
  public var made: [Successors.Successor] = []

  public init(conditions: any SimulatorConditions) {
    self.init(conditions: conditions, rights: Reach([], isComplete: true))
  }

  public init(conditions: any SimulatorConditions, rights: Reach) {
    capabilities = .simulated(.unnamed, overlap: .several, conditions)
    world = SimulatedAccount(conditions: conditions)
    self.rights = rights
    world.add(CredentialRef("AKIASIMULATED000"), "pair-leaked-0000000000", isOld: true)
  }

  public var leak: Leak { Leak(Secret("pair-leaked-0000000000"), handle: "AKIASIMULATED000") }

  public func slots() async throws(CapabilityError) -> Slots? {
    try await world.conditions.ask("list")
    return Slots(limit: 2, taken: world.entries.map(\.ref))
  }

  public func reach(_ ref: CredentialRef) async throws(CapabilityError) -> Reach {
    try await world.conditions.ask("simulate policy")
    return rights
  }

  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    try await world.conditions.ask("look up events")
    return Successors(made, covered: nil)
  }

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let world = world
    let made = try await world.conditions.change("issue", isRepeatable: false) {
      () throws(CapabilityError) -> SimulatedAccount.Entry in
      guard world.entries.count < 2 else {
        throw CapabilityError(
          .conflict, "issue", because: "LimitExceeded: two keys are there already (HTTP 409)")
      }
      let number = world.number()
      world.note("issue AKIASIMULATED00\(number)")
      return world.add(
        CredentialRef("AKIASIMULATED00\(number)"), "pair-issued-\(number)-000000000")
    }
    return IssuedCredential(
      ref: made.ref,
      material: try Material(
        shape,
        ["access_key_id": Secret(made.ref.rawValue), "secret_access_key": Secret(made.value)]))
  }
}
