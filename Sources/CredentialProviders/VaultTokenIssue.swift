public import Capabilities
import Foundation
import Incidents
import JSON
import RESTClient
public import Secrets

/// New tokens, and those that the runner made.
extension VaultToken {
  public func generate() throws(CapabilityError) -> Secret? { nil }

  /// Every token that has an accessor.
  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    let answer = try await vault.api.answer("/v1/auth/token/accessors?list=true")
    return try vault.keys(answer, "LIST auth/token/accessors").map { CredentialRef($0) }
  }

  /// What the server knows of each. - Throws: `.unsupported` when there are too many to ask about.
  func lookUp(all refs: [CredentialRef], to operation: String) async throws(CapabilityError) -> [Token] {
    guard refs.count <= Self.mostTokens else {
      throw CapabilityError(
        .unsupported, operation, because: "the server has \(refs.count) tokens, each of which is a question",
        fix: "search the audit log instead")
    }
    var found: [Token] = []
    for ref in refs {
      // One that ended meanwhile is no longer there.
      if let token = try await lookUp(ref) { found.append(token) }
    }
    return found
  }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  {
    let known = Set(before)
    let new = try await existing().filter { !known.contains($0) }
    return try await lookUp(all: new, to: "find the token of \(marker)")
      .filter { $0.json["meta"]?["staunch"]?.string == marker }.map { CredentialRef($0.accessor) }
  }

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    var body = try await template(replacing: order.replacing)
    body["meta"] = ["staunch": .string(order.marker)]
    body["display_name"] = "staunch"
    let path = "auth/token/" + (settings.role.map { "create/\(RESTClient.escaped($0))" } ?? "create-orphan")
    let answer = try await vault.api.change(.post, "/v1/\(path)", .object(body), under: authority)
    let made = try vault.done(answer, "POST \(path)")["auth"]
    guard let token = made?["client_token"]?.string, let accessor = made?["accessor"]?.string,
      !accessor.isEmpty
    else {
      throw CapabilityError(
        .unknownOutcome, "POST \(path)", because: "it was done, but the answer has no token with an accessor")
    }
    let ref = CredentialRef(accessor)
    guard made?["orphan"]?.boolean == true else {
      try await revoke(ref, under: authority)
      throw CapabilityError(
        .configuration, "POST \(path)",
        because: "the role makes children of the runner's own token, which would end with it",
        fix: "vault write auth/token/roles/\(settings.role ?? "ROLE") orphan=true")
    }
    let life = made?["lease_duration"]?.integer ?? 0
    return IssuedCredential(
      ref: ref,
      material: Material(
        Secret(token), expiry: life > 0 ? environment.now().addingTimeInterval(Double(life)) : nil))
  }

  /// What the new token is to be: as the leaked one, or as staunch.yaml says.
  private func template(replacing leak: Leak?) async throws(CapabilityError) -> [String: JSONValue] {
    let operation = "issue a token"
    var old: Token?
    for value in leak?.values ?? [] where old == nil { old = try await lookUp(value) }
    // An accessor beside a value that has ended is another token's: nobody's rights are taken from a report's word.
    if let leak, leak.values.isEmpty, let handle = leak.handle {
      old = try await lookUp(CredentialRef(handle))
    }
    if let old, !old.isMadeByToken {
      throw CapabilityError(
        .unsupported, operation,
        because:
          "the leaked token comes from a login at \(old.origin): its program gets another by logging in",
        fix:
          "rotate what it logs in with (a secret id, a password), then stop the token: staunch credential disable"
      )
    }
    guard settings.role != nil || (old?.json["bound_cidrs"]?.array ?? []).isEmpty else {
      throw CapabilityError(
        .configuration, operation,
        because: "the leaked token was bound to networks, which only a role gives to another one",
        fix: "write role: in its entry of staunch.yaml, of a role with orphan=true and token_bound_cidrs")
    }
    var body: [String: JSONValue] = [:]
    if settings.policies.isEmpty {
      guard let policies = old?.json["policies"]?.array?.compactMap(\.string) else {
        throw CapabilityError(
          .configuration, operation, because: "the leaked token has ended, so nobody knows what it could do",
          fix: "write policies: in its entry of staunch.yaml")
      }
      guard !policies.contains("root") else {
        throw CapabilityError(
          .unsafe, operation, because: "the leaked token is a root token, and another one is not made",
          fix: "write policies: with what its program needs in its entry of staunch.yaml")
      }
      body["policies"] = .array(policies.map { .string($0) })
      if !policies.contains("default") { body["no_default_policy"] = true }
    } else {
      body["policies"] = .array(settings.policies.map { .string($0) })
    }
    if let ttl = settings.ttl {
      body["ttl"] = .string(ttl)
    } else if settings.role == nil, let period = old?.seconds("period") {
      body["period"] = .string("\(period)s")
    } else if let life = old?.seconds("creation_ttl") {
      body["ttl"] = .string("\(life)s")
    }
    if let most = old?.seconds("explicit_max_ttl") { body["explicit_max_ttl"] = .string("\(most)s") }
    if let renewable = old?.json["renewable"]?.boolean { body["renewable"] = .boolean(renewable) }
    return body
  }
}
