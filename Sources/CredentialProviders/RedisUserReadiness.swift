public import Capabilities
import JSON

// What a rotation will need of the server: each command is rehearsed by `ACL DRYRUN` (Redis 7), which runs nothing.
// Source: https://redis.io/docs/latest/commands/acl-dryrun/
extension RedisUser {
  public func readiness() async -> [Readiness] {
    guard adminUser != user else {
      return [
        Readiness(
          "admin_user",
          .missing(
            because: "the runner would log in as the very user whose password leaked",
            fix: "give the runner a user of its own: admin_user, admin_password in staunch.yaml"))
      ]
    }
    let digest = "#" + String(repeating: "0", count: 64)
    let needed: [(right: String, command: [String])] =
      [
        ("+acl", ["ACL", "SETUSER", user, digest]), ("+acl", ["ACL", "GETUSER", user]),
        ("+client", ["CLIENT", "LIST"]), ("+client", ["CLIENT", "KILL", "ID", "1"]),
        ("+info", ["INFO", "replication"]),
      ]
      + (persists
        ? [
          ("+config|get", ["CONFIG", "GET", "aclfile"]),
          ("+config|rewrite", ["CONFIG", "REWRITE"]), ("+acl", ["ACL", "SAVE"]),
        ] : [])
    do throws(CapabilityError) {
      // Says first whether the login works and the user is there.
      _ = try await existing()
      let replies = try await ask(needed.map { ["ACL", "DRYRUN", adminUser] + $0.command })
      let rights = zip(needed, replies).map { need, reply in
        let name = need.command.prefix(2).joined(separator: " ")
        switch reply {
        case .value("OK"): return Readiness(name, .ready("\(adminUser) may"))
        case .value, .lines:
          return Readiness(
            name,
            .missing(because: "\(adminUser) may not", fix: "ACL SETUSER \(adminUser) \(need.right)"))
        case .error(let word): return Readiness(name, .unknown(because: "the server answered \(word)"))
        }
      }
      return rights + [await servers()]
    } catch {
      return [Readiness("rights of \(adminUser)", error)]
    }
  }

  private func servers() async -> Readiness {
    let what = "servers that have the user"
    do throws(CapabilityError) { try await refuseUnnamedServers(what) } catch {
      guard error.class == .configuration, let fix = error.fix else {
        return Readiness(what, .unknown(because: error.because))
      }
      return Readiness(what, .missing(because: error.because, fix: fix))
    }
    return Readiness(what, .ready(named == 1 ? "it stands alone" : "\(named) stand in the entry"))
  }

  public func loginReadiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let flags = try await flags()
      guard !flags.contains("off") else {
        return [
          Readiness(
            "user \(user)",
            .missing(
              because: "it is off: no password of it is accepted, a new one neither",
              fix: "ACL SETUSER \(user) on, or correct \"user\" in staunch.yaml"))
        ]
      }
      guard !flags.contains("nopass") else {
        return [
          Readiness(
            "user \(user)",
            .missing(
              because: "it accepts any password (nopass)",
              fix: "give it one: ACL SETUSER \(user) resetpass, then ACL SETUSER \(user) >PASSWORD"))
        ]
      }
      return [Readiness("user \(user)", .ready("it is on"))]
    } catch {
      return [Readiness("user \(user)", .unknown(because: "\(error.operation): \(error.because)"))]
    }
  }
}
