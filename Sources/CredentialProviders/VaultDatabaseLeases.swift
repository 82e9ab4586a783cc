import Capabilities
import Foundation
import Incidents
import JSON
import RESTClient

// Which leases are a user's, how they are revoked, and whether the database still has the user.
extension VaultDatabase {
  /// Whether the database has the user. - Throws: `.unsafe` when it has, and no lease of the role made it.
  func isThere(_ ref: CredentialRef) async throws(CapabilityError) -> Bool {
    let operation = "find user \(ref)"
    let session = try await session()
    let rows = try await session.query(
      "SELECT pg_catalog.count(*) FROM pg_catalog.pg_roles WHERE rolname = $1::pg_catalog.name",
      [ref.rawValue])
    await session.close()
    guard let count = rows.first?.first.flatMap({ $0 }).flatMap({ Int($0) }) else {
      throw CapabilityError(.serverError, operation, because: "the server's answer is no number")
    }
    guard count > 0 else { return false }
    guard try await users().contains(ref.rawValue) else {
      throw CapabilityError(
        .unsafe, operation, because: "the database has it, and its name is none of a lease of \(prefix)",
        fix: "check vault_role and user_pattern in staunch.yaml")
    }
    return true
  }

  /// That the database refused to drop a user (400) is seen there, by whoever calls.
  func revoke(_ path: String, _ body: JSONValue, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let answer = try await vault.api.change(
      .post, "/v1/" + VaultClient.escaped(path), body, under: authority)
    if VaultClient.says("failed to revoke", answer) || VaultClient.says("invalid lease", answer) { return }
    _ = try vault.done(answer, "POST \(path)")
  }

  /// The leases that may be the user's.
  func leases(of ref: CredentialRef, _ leak: Leak) async throws(CapabilityError) -> [String] {
    if let lease = leak.fields["lease_id"], lease.hasPrefix(prefix + "/") { return [lease] }
    guard let second = ref.rawValue.split(separator: "-").last.flatMap({ Double($0) }) else { return [] }
    var found: [String] = []
    for lease in try await leases() {
      guard let start = try await start(of: lease) else { continue }
      if abs(start.timeIntervalSince1970 - second) <= 1 { found.append(lease) }
    }
    return found
  }

  /// Every lease of the role.
  func leases() async throws(CapabilityError) -> [String] {
    let answer = try await vault.api.answer(
      "/v1/sys/leases/lookup/\(VaultClient.escaped(prefix))?list=true")
    if answer.status == 404, VaultClient.errors(of: answer)?.isEmpty == true { return [] }
    return try vault.keys(answer, "LIST sys/leases/lookup/\(prefix)").map { "\(prefix)/\($0)" }
  }

  /// Nil: the lease has ended meanwhile.
  private func start(of lease: String) async throws(CapabilityError) -> Date? {
    let answer = try await vault.api.ask(
      "/v1/sys/leases/lookup", ["lease_id": .string(lease)], readOnlyBecause: "it looks a lease up")
    if VaultClient.says("invalid lease", answer) { return nil }
    let text = try vault.checked(answer, "POST sys/leases/lookup")["data"]?["issue_time"]?.string ?? ""
    // To the second, which is what the name has, and by the server's own clock: `2026-11-30T13:37:16.687125844+01:00`.
    let zone = text.dropFirst(19).drop { $0 == "." || $0.isNumber }
    guard let start = Timestamp.date("\(text.prefix(19))\(zone)") else {
      throw CapabilityError(
        .serverError, "POST sys/leases/lookup", because: "the answer does not say when the lease was drawn",
        fix: "revoke every lease of the role: revokes: role in staunch.yaml, then: staunch resume")
    }
    return start
  }
}
