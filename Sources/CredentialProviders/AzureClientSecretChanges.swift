public import Capabilities
public import Foundation
import Incidents
import JSON
import RESTClient
public import Secrets

// What changes an application's secrets, and what the runner may do about them.
extension AzureClientSecret {
  public func generate() throws(CapabilityError) -> Secret? { nil }
  public func existing() async throws(CapabilityError) -> [CredentialRef] { try await listed().map(\.ref) }

  /// Names are anybody's to choose: what is found by one is only ever removed.
  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  {
    try await listed().filter { $0.name == marker && !before.contains($0.ref) }.map(\.ref)
  }

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let operation = "POST applications/\(settings.application)/addPassword"
    let end = environment.now().addingTimeInterval(Double(settings.days) * 86_400)
    let answer = try await graph.change(
      .post, path + "/addPassword",
      [
        "passwordCredential": [
          "displayName": .string(order.marker), "endDateTime": .string(Timestamp.text(end)),
        ]
      ], under: authority)
    let told = try AzureAPI.checked(answer, graph, operation, changes: true)
    guard let id = told["keyId"]?.string, EntraTokenEndpoint.isName(id),
      let secret = told["secretText"]?.string,
      !secret.isEmpty
    else {
      throw CapabilityError(
        .unknownOutcome, operation, because: "it was done, but the answer holds no secret")
    }
    let expiry = told["endDateTime"]?.string.flatMap(Timestamp.date) ?? end
    return IssuedCredential(ref: CredentialRef(id), material: Material(Secret(secret), expiry: expiry))
  }

  /// Cannot be taken back. Repeating it is fine.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard ref != replacedBy else {
      throw CapabilityError(.unsafe, "removePassword \(ref)", because: "it is the replacement itself")
    }
    try await delete(ref, under: authority)
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let operation = "POST applications/\(settings.application)/removePassword"
    guard try await existing().contains(ref) else { return }
    do throws(CapabilityError) {
      let answer = try await graph.change(
        .post, path + "/removePassword", ["keyId": .string(ref.rawValue)], under: authority)
      if let failure = graph.failure(of: answer, operation, changes: true) { throw failure }
    } catch {
      // What became of a lost reply Graph tells.
      guard error.class == .unknownOutcome, try await !existing().contains(ref) else { throw error }
    }
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  { SessionCount(found: 0, ended: 0, left: 0) }  // tokens cannot be ended one by one

  // MARK: rights

  /// Graph names the rights in its own token; one that cannot be read is unknown.
  public func readiness() async -> [Readiness] {
    var found: [Readiness] = []
    do throws(CapabilityError) {
      _ = try await listed()
      found.append(Readiness("reading the application", .ready("application \(settings.application)")))
      found.append(Self.rights(in: try await tokens.current()))
    } catch { found.append(Readiness("reading the application", error)) }
    return found
  }

  private static func rights(in token: Secret) -> Readiness {
    let what = "Application.ReadWrite.OwnedBy"
    let parts = token.exposeAsText().split(separator: ".").map(String.init)
    let padded = (parts.count == 3 ? parts[1] : "").replacing("-", with: "+").replacing("_", with: "/")
    let claims = Data(base64Encoded: padded + String(repeating: "=", count: (4 - padded.count % 4) % 4))
      .flatMap { try? JSONValue(parsing: $0) }  // no JSON: an opaque token, said below
    guard let claims, !padded.isEmpty else {
      return Readiness(what, .unknown(because: "the runner's token does not tell its rights"))
    }
    let roles = claims["roles"]?.array?.compactMap(\.string) ?? []
    let excess = ["Application.ReadWrite.All", "Directory.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"]
      .filter(roles.contains)
    if !excess.isEmpty {
      return Readiness(
        what,
        .missing(
          because: "the runner has \(excess.joined(separator: ", ")): it may change every application",
          fix: "give it Application.ReadWrite.OwnedBy alone, and make it an owner of the application"))
    }
    return Readiness(
      what,
      roles.contains(what)
        ? .ready("\(what); that it owns the application shows only when it is changed")
        : .missing(
          because: "the runner lacks it",
          fix: "grant it to the runner, and make it an owner of the application"))
  }
}
