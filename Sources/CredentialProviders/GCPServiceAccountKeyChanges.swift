public import Capabilities
public import Foundation
import JSON
import RESTClient
public import Secrets

// What changes a key or its account.
extension GCPServiceAccountKey {
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
    let operation = "POST serviceAccounts/\(settings.account)/keys"
    try await requireRoom(operation)
    let answer = try await iam.change(
      .post, "\(accountPath)/keys",
      ["privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE", "keyAlgorithm": "KEY_ALG_RSA_2048"], under: authority
    )
    // "Maximum number of keys on account reached" has the status of a rate limit.
    if answer.status == 429, GoogleAPI.status(of: answer) == "RESOURCE_EXHAUSTED" {
      try await requireRoom(operation)
    }
    if answer.status == 400, GoogleAPI.status(of: answer) == "FAILED_PRECONDITION" {
      throw CapabilityError(
        .unsupported, operation, because: "keys may not be made for this account (FAILED_PRECONDITION)",
        fix:
          "see iam.disableServiceAccountKeyCreation and whether the account is enabled; without keys: workload identity"
      )
    }
    return try issued(try GoogleAPI.checked(answer, iam, operation, changes: true), operation)
  }

  private func requireRoom(_ operation: String) async throws(CapabilityError) {
    let keys = try await keys()
    guard keys.count >= Self.mostKeys else { return }
    let oldest = keys.first.map { "; the oldest is \($0.id)" } ?? ""
    throw CapabilityError(
      .conflict, operation, because: "the account has \(keys.count) keys, and no more are allowed\(oldest)",
      fix:
        "see which are yours and delete one: gcloud iam service-accounts keys list --iam-account \(settings.account)"
    )
  }

  /// The key file of an answer. - Throws: `.unknownOutcome`: a key was made that nobody can use.
  private func issued(_ told: JSONValue, _ operation: String) throws(CapabilityError) -> IssuedCredential {
    let file = told["privateKeyData"]?.string.flatMap { Data(base64Encoded: $0) }
      .flatMap { try? JSONValue(parsing: $0) }  // no JSON: no key file, said below
    guard let key = Key(told), let file, file["private_key_id"]?.string == key.id,
      file["client_email"]?.string == settings.account
    else {
      throw CapabilityError(
        .unknownOutcome, operation, because: "it was done, but the answer is no key file of this account")
    }
    var values: [String: Secret] = [:]
    for field in shape.fields { values[field.name] = file[field.name]?.string.map { Secret($0) } }
    // Older answers do not have it; this is what it means then.
    if values["universe_domain"] == nil { values["universe_domain"] = Secret("googleapis.com") }
    return IssuedCredential(ref: key.ref, material: try Material(shape, values, expiry: nil))
  }

  /// It can be taken back (`gcloud iam service-accounts keys enable`). Repeating it is fine.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let operation = "POST keys/\(ref):disable"
    guard ref != replacedBy else {
      throw CapabilityError(.unsafe, operation, because: "it is the replacement itself")
    }
    guard let key = try await key(ref.rawValue) else {
      _ = try await keys()  // the account is there, and has no such key: it is deleted
      return
    }
    try await refuseOwn(key, operation)
    if key.isDisabled { return }
    do throws(CapabilityError) {
      let answer = try await iam.change(.post, path(ref.rawValue) + ":disable", [:], under: authority)
      _ = try GoogleAPI.checked(answer, iam, operation, changes: true)
    } catch {
      // What became of a lost reply IAM tells.
      guard error.class == .unknownOutcome, try await self.key(ref.rawValue)?.isDisabled ?? true else {
        throw error
      }
    }
  }

  /// For good: a deleted key cannot be brought back.
  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let operation = "DELETE keys/\(ref)"
    guard let key = try await key(ref.rawValue) else {
      _ = try await keys()
      return
    }
    try await refuseOwn(key, operation)
    do throws(CapabilityError) {
      let answer = try await iam.change(.delete, path(ref.rawValue), nil, under: authority)
      if answer.status == 404, GoogleAPI.status(of: answer) == "NOT_FOUND" { return }
      if let failure = GoogleAPI.failure(of: answer, iam, operation, changes: true) { throw failure }
    } catch {
      guard error.class == .unknownOutcome, try await self.key(ref.rawValue) == nil else { throw error }
    }
  }

  /// Access tokens: only with `access_tokens: disable-account`. "Existing access tokens for the service account are rejected";
  /// nobody can count them.
  /// Source: https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/disable
  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    let none = SessionCount(found: 0, ended: 0, left: 0)
    guard settings.endsTokens else { return none }
    let operation = "POST serviceAccounts/\(settings.account):disable"
    if let own = try await settings.login.ownKey(in: environment)?.email, own == settings.account {
      throw CapabilityError(
        .unsafe, operation, because: "the runner logs in as this account itself",
        fix: "give the runner an account of its own: login_key in staunch.yaml")
    }
    if try await isAccountDisabled() == false {
      do throws(CapabilityError) {
        let answer = try await iam.change(.post, accountPath + ":disable", [:], under: authority)
        if let failure = GoogleAPI.failure(of: answer, iam, operation, changes: true) { throw failure }
      } catch { guard error.class == .unknownOutcome else { throw error } }  // the account is asked below
    }
    guard try await isAccountDisabled() ?? true else {
      throw CapabilityError(
        .conflict, operation, because: "IAM still says that the account is enabled", fix: "staunch resume")
    }
    return none
  }
}
