public import Capabilities
import Foundation
import Incidents
import Secrets

/// One promise of the port, checked on any provider: a column of docs/CONTRACT.md.
public struct ContractCheck: Sendable, CustomStringConvertible {
  public let name: String
  /// Why a provider or its world has no part in it; nil: it is checked.
  let exempt: @Sendable (any ContractFixture) async throws -> String?
  let body: @Sendable (any ContractFixture) async throws -> Void

  public var description: String { name }

  init(
    _ name: String, exempt: @escaping @Sendable (any ContractFixture) async throws -> String? = { _ in nil },
    _ body: @escaping @Sendable (any ContractFixture) async throws -> Void
  ) {
    self.name = name
    self.exempt = exempt
    self.body = body
  }

  /// Runs it in a world of its own. - Throws: ``ContractViolation``, or what the provider threw.
  public func run(_ fixture: any ContractFixture.Type) async throws {
    let world = try await fixture.make()
    guard try await exempt(world) == nil else { return }
    try await body(world)
  }

  static func issuing(_ ways: ProviderCapabilities.Issuing...)
    -> @Sendable (any ContractFixture) async throws ->
    String?
  {
    { ways.contains($0.provider.capabilities.issuing) ? nil : "\($0.provider.capabilities.issuing)" }
  }

  /// Makes the replacement as the action does.
  static func replace(_ it: any ContractFixture, _ marker: String = "staunch-contract-1") async throws
    -> IssuedCredential
  {
    if it.provider.capabilities.issuing == .human { try await it.handOver() }
    return try await it.provider.issue(
      IssueOrder(marker: marker, generated: try it.provider.generate(), replacing: it.leak),
      under: .forTests())
  }

  static func state(_ it: any ContractFixture, _ secret: Secret, _ ref: CredentialRef? = nil) async throws
    -> CredentialState
  { try await it.provider.verify(secret, ref: ref).state }

  static func leaked(_ it: any ContractFixture) throws -> Secret { try it.leak.requireValue(to: "test") }

  static func error(_ body: () async throws -> Void) async -> CapabilityError? {
    do {
      try await body()
      return nil
    } catch { return error as? CapabilityError }
  }
}
