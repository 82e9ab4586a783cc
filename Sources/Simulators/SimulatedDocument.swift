public import Capabilities
import Foundation
import Incidents
import JSON
public import Secrets

/// A whole JSON document as the secret, with its public id inside: a GCP service-account key.
public struct SimulatedDocument: SimulatedProvider {
  public static let kind = "simulated-document"
  public static let summary = "A simulated key that is a JSON document."

  public let world: SimulatedAccount
  public let capabilities: ProviderCapabilities

  private let document: @Sendable (_ id: String, _ key: String) -> String

  public init(conditions: any SimulatorConditions) {
    self.init(conditions: conditions, document: Self.document)
  }

  /// - Parameter document: the text of a key; the same for the same id. The leaked one is `doc-0`.
  public init(
    conditions: any SimulatorConditions, document: @escaping @Sendable (_ id: String, _ key: String) -> String
  ) {
    capabilities = .simulated(.unnamed, overlap: .several, conditions)
    world = SimulatedAccount(conditions: conditions)
    self.document = document
    world.add(CredentialRef("doc-0"), document("doc-0", "leaked"), isOld: true)
  }

  public var leak: Leak { Leak(Secret(document("doc-0", "leaked"))) }

  private static func document(_ id: String, _ key: String) -> String {
    JSONValue.object([
      "type": "service_account", "client_email": "robot@project.example", "private_key_id": .string(id),
      "private_key": .string("document-\(key)-00000000"),
    ]).canonicalText
  }

  public func slots() async throws(CapabilityError) -> Slots? {
    try await world.conditions.ask("list")
    return Slots(limit: 10, taken: world.entries.map(\.ref))
  }

  /// The document says its own id.
  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    try await world.conditions.ask("identify")
    let id: String?
    if let value = leak.value {
      do throws(JSONError) {
        id = try JSONValue(parsing: value.exposeAsBytes())["private_key_id"]?.string
      } catch {
        throw CapabilityError(.notFound, "identify", because: "it is no key file")
      }
    } else {
      id = leak.handle
    }
    guard let id, world.entry(CredentialRef(id)) != nil else {
      throw CapabilityError(.notFound, "identify", because: "the account has no such key")
    }
    return Subject(CredentialRef(id))
  }

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let (world, document) = (world, document)
    let made = try await world.conditions.change("issue", isRepeatable: false) {
      () throws(CapabilityError) -> SimulatedAccount.Entry in
      guard world.entries.count < 10 else {
        throw CapabilityError(.conflict, "issue", because: "ten keys are there already (HTTP 429)")
      }
      let id = "doc-\(world.number())"
      world.note("issue \(id)")
      return world.add(CredentialRef(id), document(id, "issued-\(id)"))
    }
    return IssuedCredential(ref: made.ref, secret: Secret(made.value))
  }
}
