public import Capabilities
public import Foundation
import Incidents
import JSON
import RESTClient
public import Secrets

// A call that is sent once, and how a token ends itself.
extension GitLabToken {
  /// A rotation leaves nothing behind that a list could tell from what others made.
  public func existing() async throws(CapabilityError) -> [CredentialRef] { [] }

  public func generate() throws(CapabilityError) -> Secret? { nil }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  private var rotation: String {
    if let project = settings.project {
      "/projects/\(RESTClient.escaped(project))/access_tokens/self/rotate"
    } else if let group = settings.group {
      "/groups/\(RESTClient.escaped(group))/access_tokens/self/rotate"
    } else {
      Self.own + "/rotate"
    }
  }

  /// Sent once, after a look. - Throws: `.conflict` when no leaked value lives any more: then nothing was sent.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let operation = "POST /api/v4\(rotation)"
    guard let leak = order.replacing else {
      throw CapabilityError(
        .invalid, operation,
        because: "the leaked token is what GitLab turns into a new one, and none is named")
    }
    _ = try leak.requireValue(to: operation)
    for value in leak.values { try await refuseOwn(value, operation) }
    let (old, record) = try await living(of: leak, operation)
    let client = client(
      old, fix: "rotating takes a token with api or self_rotate; revoke this one and make another")
    let query = expiryDay(after: record).map { "?expires_at=\($0)" } ?? ""
    let answer = try await client.exchange(.post, rotation + query, under: authority)
    switch answer.status {
    case 200...299: return try made(answer, operation)
    case 400:
      throw CapabilityError(
        .invalid, operation, because: "GitLab did not rotate it, and it lives on (HTTP 400)",
        fix: "lifetime_days in staunch.yaml may be more than this GitLab allows")
    case 401:
      throw CapabilityError(
        .conflict, operation,
        because:
          "the token lived a moment ago and does not now: somebody else has rotated or revoked it (HTTP 401)",
        fix: "put the token that is used now into the store; make another one in GitLab if nobody has it")
    case 405:
      throw CapabilityError(
        .unsupported, operation, because: "it is no token of this kind (HTTP 405)",
        fix: "name its project or group in staunch.yaml, or leave them out for a personal one")
    // A gateway may say "not now" of what was done behind it, and this call is never sent twice.
    case 408, 425, 500...599:
      throw CapabilityError(
        .unknownOutcome, operation, because: "whether it was rotated is not known (HTTP \(answer.status))")
    default:
      throw client.failure(of: answer, operation, changes: true)
        ?? CapabilityError(.unknownOutcome, operation, because: "the answer is none (HTTP \(answer.status))")
    }
  }

  /// The leaked value that GitLab accepts. A call with a dead one would revoke what it was turned into.
  private func living(of leak: Leak, _ operation: String) async throws(CapabilityError) -> (
    Secret, GitLabRecord
  ) {
    var codes: [String] = []
    for value in leak.values {
      let answer = try await client(value).answer(Self.own)
      switch GitLabWord(answer) {
      case .living(let record): return (value, record)
      case .ended(let code), .strange(let code): codes.append(code)
      case .restricted: codes.append("403 insufficient_scope")
      case .other(let code):
        if let failure = client(value).failure(of: answer, operation, changes: false) { throw failure }
        codes.append(code)
      }
    }
    throw CapabilityError(
      .conflict, operation,
      because:
        "GitLab does not accept the leaked token any more (\(codes.joined(separator: "; "))): a call with it could revoke "
        + "what it was turned into, so nothing was sent",
      fix: "put the token that is used now into the store; make another one in GitLab if nobody has it")
  }

  private func made(_ answer: HTTPResponse, _ operation: String) throws(CapabilityError) -> IssuedCredential {
    let json = try? JSONValue(parsing: answer.body)  // what is no JSON holds no token
    guard let json, let record = GitLabRecord(json), let token = json["token"]?.string, !token.isEmpty else {
      throw CapabilityError(
        .unknownOutcome, operation, because: "it was rotated, but the answer holds no new token")
    }
    memory.keep(record, isOwn: true)
    return IssuedCredential(ref: record.ref, material: Material(Secret(token), expiry: record.expiry))
  }

  /// GitLab's own answer to no date is one week.
  private func expiryDay(after record: GitLabRecord) -> String? {
    let day = 86_400.0
    var days = settings.lifetime
    if days == nil, let created = record.created, let expiry = record.expiry {
      days = min(365, max(1, Int((expiry.timeIntervalSince(created) / day).rounded(.up))))
    }
    return days.map {
      String(Timestamp.text(environment.now().addingTimeInterval(Double($0) * day)).prefix(10))
    }
  }

  /// The token revokes itself, whatever its scopes. Repeating it is fine.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let operation = "DELETE /api/v4\(Self.own)"
    guard ref != replacedBy else {
      throw CapabilityError(.unsafe, operation, because: "\(ref) is the replacement itself")
    }
    let value = try leak.requireValue(to: operation)
    try await refuseOwn(value, operation)
    let client = client(value)
    let answer = try await client.exchange(.delete, Self.own, under: authority)
    guard let failure = client.failure(of: answer, operation, changes: true) else { return }
    switch GitLabWord(answer) {
    case .ended: return
    case .strange(let code):
      throw CapabilityError(
        .notFound, operation, because: "GitLab has no such token (\(code))",
        fix: "check base_url in staunch.yaml: it may be of another GitLab")
    case .living, .restricted, .other: throw failure
    }
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  { SessionCount(found: 0, ended: 0, left: 0) }  // a token opens no sessions

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    throw CapabilityError(
      .unsupported, "delete \(ref)", because: "GitLab forgets revoked tokens by itself",
      fix: "leave the step out: a revoked token is gone for good")
  }
}
