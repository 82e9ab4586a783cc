public import Capabilities
import JSON

// What a rotation will need of the servers: each command is rehearsed by `ACL DRYRUN` (Redis 7), which runs nothing.
// Source: https://redis.io/docs/latest/commands/acl-dryrun/
extension RedisUser {
  public func readiness() async -> [Readiness] {
    guard settings.adminUser != user else {
      return [
        Readiness(
          "admin_user",
          .missing(
            because: "the runner would log in as the very user whose password leaked",
            fix: "give the runner a user of its own: admin_user, admin_password in staunch.yaml"))
      ]
    }
    var found: [Readiness] = []
    for server in servers { found += await rights(at: server) }
    return found + [await unnamed()]
  }

  /// ` at cache-1:6379` where there are several.
  private func suffix(_ server: RedisServer) -> String { servers.count == 1 ? "" : " at \(server.place)" }

  private func rights(at server: RedisServer) async -> [Readiness] {
    let digest = "#" + String(repeating: "0", count: 64)
    let admin = settings.adminUser
    var needed: [(right: String, command: [String])] = [
      ("+acl", ["ACL", "SETUSER", user, digest]), ("+acl", ["ACL", "GETUSER", user]),
      ("+client", ["CLIENT", "LIST"]), ("+client", ["CLIENT", "KILL", "ID", "1"]),
      ("+info", ["INFO", "replication"]),
    ]
    if settings.persists {
      needed += [
        ("+config|get", ["CONFIG", "GET", "aclfile"]),
        ("+config|rewrite", ["CONFIG", "REWRITE"]), ("+acl", ["ACL", "SAVE"]),
      ]
    }
    do throws(CapabilityError) {
      let session = try await server.open()
      // Says first whether the user is there.
      _ = try await server.passwords(session)
      let replies = try await server.answers(needed.map { .rehearsal(admin, $0.command) }, session)
      return zip(needed, replies).map { need, reply in
        let name = need.command.prefix(2).joined(separator: " ") + suffix(server)
        switch reply {
        case .value("OK"): return Readiness(name, .ready("\(admin) may"))
        case .value:
          return Readiness(
            name, .missing(because: "\(admin) may not", fix: "ACL SETUSER \(admin) \(need.right)"))
        case .error(let word): return Readiness(name, .unknown(because: "the server answered \(word)"))
        }
      }
    } catch {
      return [Readiness("rights of \(admin)" + suffix(server), error)]
    }
  }

  private func unnamed() async -> Readiness {
    let what = "servers that have the user"
    do throws(CapabilityError) { try await company.refuseUnnamed(what) } catch {
      guard error.class == .configuration, let fix = error.fix else {
        return Readiness(what, .unknown(because: error.because))
      }
      return Readiness(what, .missing(because: error.because, fix: fix))
    }
    return Readiness(
      what, .ready(servers.count == 1 ? "it stands alone" : "\(servers.count) stand in the entry"))
  }

  public func loginReadiness() async -> [Readiness] {
    var found: [Readiness] = []
    for server in servers { found.append(await login(at: server)) }
    return found
  }

  private func login(at server: RedisServer) async -> Readiness {
    let what = "user \(user)" + suffix(server)
    do throws(CapabilityError) {
      let flags = try await server.passwords(try await server.open()).flags
      guard !flags.contains("off") else {
        return Readiness(
          what,
          .missing(
            because: "it is off: no password of it is accepted, a new one neither",
            fix: "ACL SETUSER \(user) on, or correct \"user\" in staunch.yaml"))
      }
      guard !flags.contains("nopass") else {
        return Readiness(
          what,
          .missing(
            because: "it accepts any password (nopass)",
            fix: "give it one: ACL SETUSER \(user) resetpass, then ACL SETUSER \(user) >PASSWORD"))
      }
      return Readiness(what, .ready("it is on"))
    } catch {
      return Readiness(what, .unknown(because: "\(error.operation): \(error.because)"))
    }
  }
}
