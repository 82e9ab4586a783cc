public import Capabilities
public import Foundation
import JSON
import RESTClient
public import Secrets

// What changes a key: made, switched off, deleted.
extension GCPHMACKey {
  public func generate() throws(CapabilityError) -> Secret? { nil }
  public func existing() async throws(CapabilityError) -> [CredentialRef] { try await keys().map(\.ref) }
  public func slots() async throws(CapabilityError) -> Slots? {
    Slots(limit: Self.mostKeys, taken: try await existing())
  }
  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { try await existing().filter { !before.contains($0) } }

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let operation = "POST hmacKeys"
    let count = try await keys().count
    guard count < Self.mostKeys else {
      throw CapabilityError(
        .conflict, operation, because: "the account has \(count) HMAC keys, and no more are allowed",
        fix:
          "see which are yours and delete one: gcloud storage hmac list --service-account=\(settings.account)"
      )
    }
    let answer = try await api.change(
      .post, "\(path)?serviceAccountEmail=\(RESTClient.escaped(settings.account))", nil, under: authority)
    let told = try GoogleAPI.checked(answer, api, operation, changes: true)
    guard let key = Key(told["metadata"], of: settings.account), let secret = told["secret"]?.string else {
      throw CapabilityError(
        .unknownOutcome, operation, because: "it was done, but the answer is no key of this account")
    }
    return IssuedCredential(
      ref: key.ref, material: try Material(shape, ["access_id": Secret(key.id), "secret": Secret(secret)]))
  }

  /// It can be taken back (`gcloud storage hmac update --activate`). Repeating it is fine.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let operation = "PUT hmacKeys/\(ref)"
    guard ref != replacedBy else {
      throw CapabilityError(.unsafe, operation, because: "it is the replacement itself")
    }
    guard let key = try await key(ref.rawValue), key.isActive else { return }
    do throws(CapabilityError) {
      var body: [String: JSONValue] = ["state": "INACTIVE"]
      body["etag"] = key.etag.map { .string($0) }
      let answer = try await api.change(.put, path(key.id), .object(body), under: authority)
      if let failure = GoogleAPI.failure(of: answer, api, operation, changes: true) { throw failure }
    } catch {
      guard error.class == .unknownOutcome, try await self.key(key.id)?.isActive != true else { throw error }
    }
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  { SessionCount(found: 0, ended: 0, left: 0) }  // every request is signed by itself

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    try await disable(ref, leak: Leak(), replacedBy: nil, under: authority)
    guard let key = try await key(ref.rawValue), key.state != "DELETED" else { return }
    do throws(CapabilityError) {
      let answer = try await api.change(.delete, path(key.id), nil, under: authority)
      if answer.status == 404 { return }
      if let failure = GoogleAPI.failure(of: answer, api, "DELETE hmacKeys/\(ref)", changes: true) {
        throw failure
      }
    } catch {
      guard error.class == .unknownOutcome, try await self.key(key.id).map({ $0.state == "DELETED" }) ?? true
      else {
        throw error
      }
    }
  }
}
