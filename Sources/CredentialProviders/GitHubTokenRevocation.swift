public import Capabilities
public import Foundation
import Incidents
import JSON
import RESTClient
public import Secrets

// A person issues a token, and whoever holds one can end it.
extension GitHubToken {
  public func existing() async throws(CapabilityError) -> [CredentialRef] { [] }

  public func generate() throws(CapabilityError) -> Secret? { nil }

  public var handOverPlace: String? {
    settings.replacement.hasPrefix("prompt") ? "the terminal" : settings.replacement
  }

  public func handedOver() async throws(CapabilityError) -> IssuedCredential {
    let secret: Secret
    do throws(CapabilityError) {
      secret = try await environment.sources.resolve(settings.replacement)
    } catch {
      guard error.class == .notFound else { throw error }
      throw CapabilityError(
        .awaitsPerson, "issue a token",
        because: "only a person can issue one, and the new token is not there yet: \(error.because)",
        fix:
          "make one on GitHub (Settings, Developer settings) with the least rights that its programs need, then \(handingOver)"
      )
    }
    return IssuedCredential(ref: try await identify(Leak(secret)).identity, secret: secret)
  }

  /// Nothing is sent: a person has issued it.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  { try await handedOver() }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  /// As many as one call takes.
  private static let most = 1000

  /// Every value of the leak in one call; what became of them only a refusal tells. Repeating it is fine.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let operation = "POST /credentials/revoke"
    guard ref != replacedBy, !leak.values.contains(where: { Self.ref($0) == replacedBy }) else {
      throw CapabilityError(.unsafe, operation, because: "one of them is the replacement itself")
    }
    _ = try leak.requireValue(to: operation)
    // The call cannot be undone, and takes whatever it is given.
    for value in leak.values { try await refuseOwn(value, operation) }
    let listed = leak.values.filter { GitHubForm($0) != .installation }
    var problem: CapabilityError?
    for start in stride(from: 0, to: listed.count, by: Self.most) {
      do throws(CapabilityError) {
        try await revoke(
          Array(listed[start..<min(start + Self.most, listed.count)]), operation, under: authority)
      } catch { problem = problem ?? error }
    }
    // Each is tried, whatever became of the others.
    for value in leak.values where GitHubForm(value) == .installation {
      do throws(CapabilityError) { try await endInstallation(value, under: authority) } catch {
        problem = problem ?? error
      }
    }
    if let problem { throw problem }
  }

  private func revoke(
    _ values: [Secret], _ operation: String, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let list = JSONValue.object(["credentials": .array(values.map { .string($0.exposeAsText()) })])
    let client = client(
      settings.serverToken.map { RESTClient.Login($0) } ?? .nobody,
      fix:
        "GitHub Enterprise Server wants a login (server_token in staunch.yaml), github.com wants none; or revoke it by hand "
        + "on GitHub")
    let answer = try await client.exchange(
      .post, "/credentials/revoke", .secret(Secret(list.canonicalText)), under: authority)
    switch answer.status {
    case 422:
      throw CapabilityError(
        .invalid, operation,
        because:
          "GitHub did not take the list (HTTP 422): no token of a form that it revokes, or too many calls",
        fix: "revoke it by hand on GitHub (Settings, Developer settings)")
    default:
      if let failure = client.failure(of: answer, operation, changes: true) { throw failure }
    }
  }

  private func endInstallation(_ value: Secret, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let operation = "DELETE /installation/token"
    let client = client(value)
    let answer = try await client.exchange(.delete, "/installation/token", under: authority)
    guard let failure = client.failure(of: answer, operation, changes: true) else { return }
    guard case .refused(let code) = GitHubWord(answer) else { throw failure }
    throw CapabilityError(
      .notFound, operation, because: "GitHub does not accept it (\(code))",
      fix: "nothing is left to revoke, unless it is of another GitHub: check base_url in staunch.yaml")
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  { SessionCount(found: 0, ended: 0, left: 0) }  // a token opens no sessions

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    throw CapabilityError(
      .unsupported, "delete \(ref)", because: "GitHub deletes a token when it revokes it",
      fix: "leave the step out: a revoked token is gone for good")
  }
}
