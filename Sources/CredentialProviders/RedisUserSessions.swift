public import Capabilities
public import Foundation
import JSON

// What lives on behind a user's password: connections, rights, traces.
extension RedisUser {
  /// A line of `CLIENT LIST`.
  private struct Connection {
    let id: String
    let address: String
    /// Whole seconds since it was opened, rounded down.
    let age: Int
  }

  private func connections(_ ref: CredentialRef) async throws(CapabilityError) -> [Connection] {
    guard case .lines(let lines)? = try await ask([["CLIENT", "LIST"]]).first,
      lines.contains(where: { $0.split(separator: " ").contains("cmd=client|list") })
    else {
      // Our own connection is always in the list: one without it says nothing about the others.
      throw CapabilityError(
        .serverError, "CLIENT LIST", because: "the answer is no list of connections with our own in it",
        fix: "look yourself: redis-cli CLIENT LIST")
    }
    let name = ref.rawValue.split(separator: "/").first.map(String.init) ?? ref.rawValue
    var found: [Connection] = []
    for line in lines {
      let fields = Dictionary(
        line.split(separator: " ").compactMap { field -> (Substring, Substring)? in
          let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
          return parts.count == 2 ? (parts[0], parts[1]) : nil
        }, uniquingKeysWith: { first, _ in first })
      guard let user = fields["user"], let id = fields["id"], let age = fields["age"].flatMap({ Int($0) })
      else {
        // It may be one of the user's: left out, it would count as ended.
        throw CapabilityError(
          .serverError, "CLIENT LIST", because: "a connection in it has no user, no id or no age",
          fix: "look yourself: redis-cli CLIENT LIST")
      }
      guard String(user) == name else { continue }
      found.append(Connection(id: String(id), address: String(fields["addr"] ?? ""), age: age))
    }
    return found
  }

  /// Ends every connection of the user that was open at `before`, one by one: `CLIENT KILL USER` would end those of the
  /// new password too. Redis tells ages in whole seconds; in doubt a connection is ended.
  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    let limit = environment.now().timeIntervalSince(before)
    let doomed = try await connections(ref).filter { Double($0.age) + 1 > limit }
    try await refuseUnnamedServers("end connections of \(user)")
    guard !doomed.isEmpty else { return SessionCount(found: 0, ended: 0, left: 0) }
    try await change(doomed.map { ["CLIENT", "KILL", "ID", $0.id] }, under: authority)
    let ids = Set(doomed.map(\.id))
    let left = try await connections(ref).count { ids.contains($0.id) }
    return SessionCount(found: doomed.count, ended: doomed.count - left, left: left)
  }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    guard let found = try await ask([["ACL", "GETUSER", user]]).first?.members else {
      throw CapabilityError(.notFound, "ACL GETUSER", because: "there is no user \(user)")
    }
    // Never the digests: a weak password could be guessed from its own.
    var facts: [String: JSONValue] = ["owner": .string(user)]
    for (fact, member) in [("privilege", "commands"), ("scopes", "keys"), ("flags", "flags")] {
      if let value = found[member] { facts[fact] = value }
    }
    if let passwords = found["passwords"]?.array { facts["passwords"] = .integer(passwords.count) }
    facts["sessions"] = .integer(try await connections(ref).count)
    return CredentialFacts(facts)
  }

  /// Looks at the connections of this moment: Redis keeps no history of logins, and `ACL LOG` has only what was refused, so
  /// not seeing any is no evidence.
  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    let open = try await connections(ref)
    let passwords = try await passwords().digests.count
    let strange = expectedClients.isEmpty ? [] : open.filter { !isExpected($0.address) }
    let findings = open.map { connection in
      let word = strange.contains { $0.id == connection.id } ? ", which is not expected" : ""
      return "open connection from \(connection.address), \(connection.age) s old\(word)"
    }
    return AbuseReport(
      seen: strange.isEmpty ? nil : true, covered: nil,
      findings: findings
        + (passwords > 1
          ? [
            "\(passwords) passwords of \(user) are accepted; whoever holds one may have added another, where the user has "
              + "+acl: compare them with what your programs use, ACL GETUSER \(user)"
          ] : [])
        + (expectedClients.isEmpty
          ? ["no expected_clients in staunch.yaml: nobody can say which of them are yours"] : []))
  }

  /// `addr` of `CLIENT LIST`: an address and a port, or the path of a unix socket, which no network reaches.
  private func isExpected(_ address: String) -> Bool {
    guard let colon = address.lastIndex(of: ":"), !address.hasPrefix("/") else { return true }
    return expectedClients.contains(address[..<colon].filter { $0 != "[" && $0 != "]" })
  }
}
