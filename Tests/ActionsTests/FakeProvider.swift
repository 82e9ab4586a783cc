import JSON
import Capabilities
import Foundation
import Incidents
import Secrets
import Synchronization

/// A fake: an imagined provider in memory. `lost` makes a mutation happen and its reply disappear.
final class FakeProvider: CredentialProvider {
  static let kind = "fake"
  static let summary = "a fake"
  static let settings: [SettingDeclaration] = []

  struct World: Sendable {
    /// Public id → value; several at a provider with overlap.
    var accepted: [String: String] = [:]
    var names: [String: String] = [:]
    var sessions = 0
    /// How many sessions one round ends.
    var endable = Int.max
    var losesReplies = false
    /// What was issued last is not at every place.
    var isHalfIssued = false
    var calls: [String] = []
    var probe: CredentialProbe?
    var issuedCount = 0
    /// What a person has issued; nil until they have.
    var handedOver: String?
    var abuse = AbuseReport(seen: nil, covered: nil, findings: [])
    var searchedSince: [Date?] = []
  }

  let capabilities: ProviderCapabilities
  let lock = "fake/lock"
  let account: CredentialRef?
  let world: Mutex<World>

  init(
    _ issuing: ProviderCapabilities.Issuing, sessions: ProviderCapabilities.Sessions = .end,
    world: World = World(), account: CredentialRef? = nil
  ) {
    self.account = account
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: issuing == .generated ? .none : .several, disable: .reversible,
      sessions: sessions, issuing: issuing, propagation: .zero)
    self.world = Mutex(world)
  }

  convenience init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError)
  {
    self.init(.named)
  }

  var calls: [String] { world.withLock { $0.calls } }
  var accepted: [String: String] { world.withLock { $0.accepted } }

  func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let text = try leak.requireValue(to: "identify").exposeAsText()
    if capabilities.issuing == .generated { return Subject(CredentialRef("role")) }
    guard let id = world.withLock({ $0.accepted.first { $0.value == text }?.key }) else {
      throw CapabilityError(.notFound, "identify", because: "nobody knows it")
    }
    return Subject(CredentialRef(id))
  }

  func ref(ofIssued secret: Secret) async throws(CapabilityError) -> CredentialRef {
    guard !world.withLock({ $0.isHalfIssued }) else {
      throw CapabilityError(.notFound, "identify", because: "one place has not got it")
    }
    return try await identify(Leak(secret)).identity
  }

  func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    CredentialFacts(["owner": "batch", "$secret": "forged"])
  }

  func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    world.withLock { world in
      world.searchedSince.append(since)
      return world.abuse
    }
  }

  func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let text = secret.exposeAsText()
    return world.withLock { world in
      if let probe = world.probe { return probe }
      return world.accepted.values.contains(text)
        ? CredentialProbe(.alive, code: "200") : CredentialProbe(.dead, code: "401")
    }
  }

  func existing() async throws(CapabilityError) -> [CredentialRef] {
    world.withLock { $0.accepted.keys.sorted().map { CredentialRef($0) } }
  }

  func generate() throws(CapabilityError) -> Secret? {
    capabilities.issuing == .generated ? Secret("generated-value") : nil
  }

  func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let marker = order.marker
    let value = order.generated?.exposeAsText()
    let (id, text, isLost) = world.withLock { world in
      world.issuedCount += 1
      let id = value == nil ? "key-\(world.issuedCount)" : "role"
      let text = value ?? "issued-value-\(world.issuedCount)"
      world.accepted[id] = text
      world.names[id] = marker
      world.calls.append("issue \(id)")
      return (id, text, world.losesReplies)
    }
    if isLost { throw CapabilityError(.unknownOutcome, "issue", because: "the reply was lost") }
    return IssuedCredential(ref: CredentialRef(id), secret: Secret(text))
  }

  let handOverPlace: String? = "file:/new"
  func handedOver() async throws(CapabilityError) -> IssuedCredential {
    guard let value = world.withLock({ $0.handedOver }) else {
      throw CapabilityError(.awaitsPerson, "issue", because: "it is not there yet", fix: "put it there")
    }
    return IssuedCredential(ref: CredentialRef("key-by-hand"), secret: Secret(value))
  }

  func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef] {
    world.withLock { world in
      world.accepted.keys.sorted().map { CredentialRef($0) }.filter {
        capabilities.issuing == .named ? world.names[$0.rawValue] == marker : !before.contains($0)
      }
    }
  }

  func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    world.withLock { world in
      world.calls.append("disable \(ref)")
      world.accepted[ref.rawValue] = nil
    }
  }

  func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    world.withLock { world in
      world.calls.append("endSessions \(ref) \(Int(before.timeIntervalSince1970))")
      let found = world.sessions
      let ended = min(found, world.endable)
      world.sessions -= ended
      return SessionCount(found: found, ended: ended, left: world.sessions)
    }
  }

  func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    world.withLock { world in
      world.calls.append("delete \(ref)")
      world.accepted[ref.rawValue] = nil
    }
  }
}
