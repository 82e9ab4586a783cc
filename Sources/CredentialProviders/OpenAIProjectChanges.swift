public import Capabilities
public import Foundation
import Incidents
import JSON
import RESTClient
import Secrets

// Making and deleting keys.
extension OpenAIProject {
  /// How names of what runs make begin.
  private static let mark = "staunch-"

  /// Makes a service account named `marker` with one key.
  ///
  /// The key that comes with an account may do everything, so with `scopes` the account is made without one. Such an account
  /// has no role, and gets the one that others have from the start.
  /// Source: https://platform.openai.com/docs/api-reference/project-service-accounts/create (`create_service_account_only`,
  /// `expires_in_seconds`), …/project-service-accounts/api-keys
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let operation = "POST \(path)/service_accounts"
    var body: [String: JSONValue] = ["name": .string(order.marker)]
    if scopes.isEmpty { body["expires_in_seconds"] = lifetime.map { .integer($0) } }
    if !scopes.isEmpty { body["create_service_account_only"] = true }
    let made = try await api.send(.post, path + "/service_accounts", .object(body), under: authority)
    var key = made["api_key"]
    if !scopes.isEmpty {
      guard let account = made["id"]?.string else { throw lost(operation, "the answer names no account") }
      key = try await scopedKey(of: account, order.marker, under: authority)
    }
    guard let key, let value = key["value"]?.string, let id = key["id"]?.string ?? made["id"]?.string else {
      throw lost(operation, "the answer holds no key")
    }
    let expiry = lifetime.map { environment.now().addingTimeInterval(Double($0)) }
    return IssuedCredential(ref: CredentialRef(id), material: Material(Secret(value), expiry: expiry))
  }

  /// It exists now; settling finds it by its name and removes it.
  private func lost(_ operation: String, _ because: String) -> CapabilityError {
    CapabilityError(.unknownOutcome, operation, because: because)
  }

  private func scopedKey(of account: String, _ marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> JSONValue
  {
    let own = path + "/service_accounts/" + RESTClient.escaped(account)
    do throws(CapabilityError) {
      _ = try await api.send(.post, own, ["role": "member"], under: authority)
      var body: [String: JSONValue] = [
        "name": .string(marker), "scopes": .array(scopes.map { .string($0) }),
      ]
      body["expires_in_seconds"] = lifetime.map { .integer($0) }
      return try await api.send(.post, own + "/api_keys", .object(body), under: authority)
    } catch {
      // The account is there, whatever became of its key.
      guard error.class != .unknownOutcome else { throw error }
      do throws(CapabilityError) { try await api.delete(own, under: authority) } catch {
        throw lost(
          "POST \(own)/api_keys", "it was refused, and the account that was made for it is still there")
      }
      throw error
    }
  }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  {
    let accounts = try await accounts().filter { $0.name == marker }.map(\.id)
    guard !accounts.isEmpty else { return [] }
    let keys = try await keys()
    return accounts.flatMap { account in
      let own = keys.filter { $0.owner == .serviceAccount(account) }.map { CredentialRef($0.id) }
      return own.isEmpty ? [CredentialRef(account)] : own
    }
  }

  private func accounts() async throws(CapabilityError) -> [(id: String, name: String)] {
    try await api.pages(path + "/service_accounts", by: .afterID("after")).compactMap { account in
      account["id"]?.string.map { ($0, account["name"]?.string ?? "") }
    }
  }

  /// Deletes the key: there is nothing milder.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard ref != replacedBy else {
      throw CapabilityError(.unsafe, "disable \(ref)", because: "it is the replacement itself")
    }
    try await delete(ref, under: authority)
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  { SessionCount(found: 0, ended: 0, left: 0) }  // a key opens no sessions

  /// The key alone; an account that a run has made goes with its last one.
  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let keys = try await keys()
    guard let key = keys.first(where: { $0.id == ref.rawValue }) else {
      // Not among the keys: gone already, or a service account (an orphan without its key).
      guard try await accounts().contains(where: { $0.id == ref.rawValue }) else { return }
      return try await deleteAccount(ref.rawValue, under: authority)
    }
    let others = keys.filter { $0.owner == key.owner && $0.id != key.id }.map(\.id)
    do throws(CapabilityError) {
      try await api.delete(path + "/api_keys/\(RESTClient.escaped(key.id))", under: authority)
    } catch {
      guard case .serviceAccount(let account) = key.owner else { throw error }
      try await deleteAccount(account, besides: others, insteadOf: error, under: authority)
      return
    }
    guard case .serviceAccount(let account) = key.owner, others.isEmpty else { return }
    guard try await accounts().contains(where: { $0.id == account && $0.name.hasPrefix(Self.mark) }) else {
      return
    }
    try await deleteAccount(account, under: authority)
  }

  /// The API does not delete a service account's key alone. - Throws: `refusal` where that was no such answer; `.conflict`
  /// where other keys would die too.
  private func deleteAccount(
    _ account: String, besides others: [String], insteadOf refusal: CapabilityError,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard [.invalid, .refused, .conflict, .unsupported].contains(refusal.class) else { throw refusal }
    guard others.isEmpty else {
      throw CapabilityError(
        .conflict, "DELETE service account \(account)",
        because:
          "the API does not delete its key alone (\(refusal.because)), and with the account other keys "
          + "would die too: \(others.joined(separator: ", "))",
        fix: "move their users to a key of their own and delete these keys, then: staunch resume")
    }
    try await deleteAccount(account, under: authority)
  }

  private func deleteAccount(_ account: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { try await api.delete(path + "/service_accounts/\(RESTClient.escaped(account))", under: authority) }
}
