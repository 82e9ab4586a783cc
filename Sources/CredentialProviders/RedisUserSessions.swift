public import Capabilities
public import Foundation
import JSON

/// A line of `CLIENT LIST`.
private struct RedisClientLine {
  let id: String
  let address: String
  /// Whole seconds since it was opened, rounded down.
  let age: Int
}

extension RedisServer {
  fileprivate func connections(_ ref: CredentialRef, _ session: any RedisSession)
    async throws(CapabilityError) -> [RedisClientLine]
  {
    guard let lines = try await answers([.connections], session).first?.lines,
      lines.contains(where: { $0.split(separator: " ").contains("cmd=client|list") })
    else {
      // Our own connection is always in the list: one without it says nothing about the others.
      throw CapabilityError(
        .serverError, "CLIENT LIST", because: "the answer is no list of connections with our own in it",
        fix: "look yourself: redis-cli CLIENT LIST")
    }
    let name = ref.rawValue.split(separator: "/").first.map(String.init) ?? ref.rawValue
    var found: [RedisClientLine] = []
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
      found.append(RedisClientLine(id: String(id), address: String(fields["addr"] ?? ""), age: age))
    }
    return found
  }

  /// - Parameter limit: seconds; younger ones stay.
  fileprivate func endSessions(
    _ ref: CredentialRef, olderThan limit: Double, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> SessionCount {
    let session = try await open()
    let doomed = try await connections(ref, session).filter { Double($0.age) + 1 > limit }
    guard !doomed.isEmpty else { return SessionCount(found: 0, ended: 0, left: 0) }
    try await change(doomed.map { ["CLIENT", "KILL", "ID", $0.id] }, session, under: authority)
    let ids = Set(doomed.map(\.id))
    let left = try await connections(ref, session).count { ids.contains($0.id) }
    return SessionCount(found: doomed.count, ended: doomed.count - left, left: left)
  }

  fileprivate func facts(_ ref: CredentialRef) async throws(CapabilityError) -> [String: JSONValue] {
    let session = try await open()
    guard let found = try await answers([.user(user)], session).first?.members else {
      throw CapabilityError(.notFound, "ACL GETUSER", because: "there is no user \(user) at \(place)")
    }
    // Never the digests: a weak password could be guessed from its own.
    var facts: [String: JSONValue] = [:]
    for (fact, member) in [("privilege", "commands"), ("scopes", "keys"), ("flags", "flags")] {
      if let value = found[member] { facts[fact] = value }
    }
    if let passwords = found["passwords"]?.array { facts["passwords"] = .integer(passwords.count) }
    facts["sessions"] = .integer(try await connections(ref, session).count)
    return facts
  }
}

// What lives on behind a user's password: connections, rights, traces.
extension RedisUser {
  /// Ends every connection of the user that was open at `before`, one by one: `CLIENT KILL USER` would end those of the
  /// new password too. Redis tells ages in whole seconds; in doubt a connection is ended.
  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    let limit = environment.now().timeIntervalSince(before)
    try await company.refuseUnnamed("end connections of \(user)", butForThoseAway: true)
    var (found, ended, left) = (0, 0, 0)
    var results: [RefResult] = []
    for server in servers {
      do throws(CapabilityError) {
        let count = try await server.endSessions(ref, olderThan: limit, under: authority)
        found += count.found
        ended += count.ended
        left += count.left
        results.append(RefResult(server.ref))
      } catch { results.append(RefResult(server.ref, problem: error)) }
    }
    try results.check("end sessions of \(ref)")
    return SessionCount(found: found, ended: ended, left: left)
  }

  /// What each server says of the user, by its address where there are several: their ACLs may differ.
  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    var facts: [String: JSONValue] = ["owner": .string(user)]
    for server in servers {
      let found = try await server.facts(ref)
      if servers.count == 1 {
        facts.merge(found) { own, _ in own }
      } else {
        facts[server.place] = .object(found)
      }
    }
    return CredentialFacts(facts)
  }

  /// Looks at the connections of this moment: Redis keeps no history of logins, and `ACL LOG` has only what was refused, so
  /// not seeing any is no evidence.
  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    var isSeen = false
    var findings: [String] = []
    for server in servers {
      let session = try await server.open()
      let open = try await server.connections(ref, session)
      let passwords = try await server.passwords(session).digests.count
      let place = servers.count == 1 ? "" : " (\(server.place))"
      for connection in open {
        let isStrange = !expectedClients.isEmpty && !isExpected(connection.address)
        isSeen = isSeen || isStrange
        findings.append(
          "open connection from \(connection.address), \(connection.age) s old"
            + (isStrange ? ", which is not expected" : "") + place)
      }
      if passwords > 1 {
        findings.append(
          "\(passwords) passwords of \(user) are accepted; whoever holds one may have added another, where the user has "
            + "+acl: compare them with what your programs use, ACL GETUSER \(user)\(place)")
      }
    }
    if expectedClients.isEmpty {
      findings.append("no expected_clients in staunch.yaml: nobody can say which of them are yours")
    }
    return AbuseReport(seen: isSeen ? true : nil, covered: nil, findings: findings)
  }

  /// `addr` of `CLIENT LIST`: an address and a port, or the path of a unix socket, which no network reaches.
  private func isExpected(_ address: String) -> Bool {
    guard let colon = address.lastIndex(of: ":"), !address.hasPrefix("/") else { return true }
    return expectedClients.contains(address[..<colon].filter { $0 != "[" && $0 != "]" })
  }
}
