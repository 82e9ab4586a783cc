public import Capabilities
public import Foundation
import Incidents
import JSON
import RESTClient

// What a token was, what was done with it, and what outlives it.
extension GitLabToken {
  /// What outlives it, in the words of GitLab's documentation.
  static let survivors =
    "SSH keys, personal, project and group tokens, deploy keys and tokens, pipeline triggers, runners, webhooks and OAuth "
    + "grants that its holder made: revoke each"

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    var facts: [String: JSONValue] = ["owner": "unknown", "survives": .string(Self.survivors)]
    guard let record = try await record(of: ref) else { return CredentialFacts(facts) }
    // The owner's id, never a name: people stay out of journals.
    if let user = record.user { facts["owner"] = .string("user \(user)") }
    facts["scopes"] = .array(record.scopes.map { .string($0) })
    facts["created"] = record.created.map { .string(Timestamp.text($0)) }
    facts["expires"] = record.expiry.map { .string(Timestamp.text($0)) }
    facts["last_used"] = record.lastUsed.map { .string($0) }
    return CredentialFacts(facts)
  }

  /// As it was when the token was last seen, else as `token` is told; nil: nobody can ask.
  func record(of ref: CredentialRef) async throws(CapabilityError) -> GitLabRecord? {
    if let seen = memory[ref] { return seen }
    guard let reader = reader() else { return nil }
    return GitLabRecord(try await reader.get("/personal_access_tokens/\(RESTClient.escaped(ref.rawValue))"))
  }

  /// GitLab keeps the last addresses, without times: they show abuse, and never that there was none.
  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    guard let record = try await record(of: ref) else {
      return AbuseReport(
        seen: nil, covered: nil,
        findings: ["nobody can ask about a dead token: name another one in token, or search GitLab's log"])
    }
    var findings: [String] = []
    if let used = record.lastUsed { findings.append("last used \(used)") }
    var isForeign = false
    for address in record.addresses {
      let isExpected = expected.contains(address)
      isForeign = isForeign || !isExpected
      findings.append("used from \(address)" + (expected.isEmpty || isExpected ? "" : ", not expected"))
    }
    guard !expected.isEmpty else {
      return AbuseReport(
        seen: nil, covered: nil,
        findings: findings + ["no expected_clients in staunch.yaml: nobody can say which of them were yours"])
    }
    return AbuseReport(seen: isForeign ? true : nil, covered: nil, findings: findings)
  }

  /// Its user's other tokens and SSH keys. What projects and groups hold is not asked, so nobody can say that this is all.
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    guard let reader = reader(), let user = try await record(of: ref)?.user else { return .unknown }
    func isNew(_ made: Date?) -> Bool { since.map { since in made.map { $0 >= since } ?? true } ?? true }
    var found: [Successors.Successor] = []
    let reading = try await reader.get(Self.own)["id"]?.integer
    let tokens = try await reader.pages("/personal_access_tokens?state=active&user_id=\(user)", by: .number)
    for record in tokens.compactMap(GitLabRecord.init)
    where record.ref != ref && record.id != reading && !memory.isOwn(record.ref) && isNew(record.created) {
      found.append(.init(record.ref, what: "personal access token of user \(user)", made: record.created))
    }
    for key in try await reader.pages("/users/\(user)/keys", by: .number) {
      guard let id = key["id"]?.integer else { continue }
      let made = key["created_at"]?.string.flatMap(Timestamp.date)
      guard isNew(made) else { continue }
      found.append(.init(CredentialRef("key/\(id)"), what: "SSH key of user \(user)", made: made))
    }
    return Successors(found, covered: nil)
  }
}
