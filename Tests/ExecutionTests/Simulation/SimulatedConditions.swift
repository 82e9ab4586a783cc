import Capabilities
import Foundation
import Incidents
import Secrets
import Simulators
import Synchronization

/// The faults of the ``SimulatedWorld`` around the calls of a simulator.
final class SimulatedConditions: SimulatorConditions {
  private let world: SimulatedWorld
  private let repeatsRotation: Bool
  private let call = Mutex<ActionCall?>(nil)
  private let rotationsSent = Mutex(0)

  init(world: SimulatedWorld, repeatsRotation: Bool) {
    self.world = world
    self.repeatsRotation = repeatsRotation
  }

  var elapsed: Duration { world.moment }
  var propagation: Duration { SimulatedWorld.propagation }
  /// Self-rotations that left the runner, whatever became of them.
  var rotations: Int { rotationsSent.withLock { $0 } }

  func begin(_ call: ActionCall) { self.call.withLock { $0 = call } }

  /// A verdict asks many times: most of its questions go through.
  func ask(_ operation: String) async throws(CapabilityError) {
    if operation == "verify", !world.roll(0.1) { return world.arrive() }
    try await world.before(operation)
  }

  func change<Result: Sendable>(
    _ operation: String, isRepeatable: Bool,
    _ effect: @escaping @Sendable () throws(CapabilityError) -> Result
  ) async throws(CapabilityError) -> Result {
    guard let call = call.withLock({ $0 }) else {
      throw CapabilityError(.invalid, operation, because: "no step is under way")
    }
    let outcome = try await world.apply(
      call, operation, isRepeatable: isRepeatable, mayBeLate: true,
      sent: {
        guard operation == "rotate" else { return }
        rotationsSent.withLock { $0 += repeatsRotation ? 2 : 1 }
      }
    ) { () -> Swift.Result<Result, CapabilityError> in
      do throws(CapabilityError) { return .success(try effect()) } catch { return .failure(error) }
    }
    return try outcome.get()
  }
}

/// A store in memory that changes several entries in one step, behind the same faults.
final class SimulatedStore: SecretStore {
  static let kind = "simulated"
  static let summary = "a simulated store"
  static let settings: [SettingDeclaration] = []

  private let conditions: SimulatedConditions?
  private let writesHalf: Bool
  private let entries = Mutex<[String: (value: String, version: String)]>([:])
  private let written = Mutex<@Sendable () -> Void>({})

  init(_ conditions: SimulatedConditions, writesHalf: Bool) {
    self.conditions = conditions
    self.writesHalf = writesHalf
  }

  init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    conditions = nil
    writesHalf = false
  }

  func onWrite(_ body: @escaping @Sendable () -> Void) { written.withLock { $0 = body } }
  func value(_ key: String) -> String? { entries.withLock { $0[key]?.value } }
  var takesSeveralEntries: Bool { true }
  func resource(of key: String) -> ResourceName? { ResourceName("simulated:\(key)") }

  func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    try await conditions?.ask("read the store")
    return entries.withLock { $0[key]?.version }
  }

  func read(_ key: String) async throws(CapabilityError) -> Secret {
    try await conditions?.ask("read the store")
    guard let value = value(key) else {
      throw CapabilityError(.notFound, "read \(key)", because: "there is no such entry")
    }
    return Secret(value)
  }

  func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    try await put(
      [StoreEntry(key, secret, replacing: old)], sparing: others, marker: marker, under: authority)
  }

  func put(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let values = entries.map { ($0.key, $0.secret.exposeAsText()) }
    try await conditions?.change("store", isRepeatable: true) { () throws(CapabilityError) in
      for (key, value) in self.writesHalf ? values.dropLast(values.count / 2) : values[...] {
        self.entries.withLock { $0[key] = (value, marker) }
      }
      let told = self.written.withLock { $0 }
      told()
    }
    return marker
  }

  func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy] { [] }
}
