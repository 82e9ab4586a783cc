public import Capabilities

// What a rotation will need of the server, asked of the server.
extension MariaDBUser {
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
    do throws(CapabilityError) {
      let (session, look) = try await open(at: primary)
      let judges = try await session.query(
        "SELECT PLUGIN_NAME FROM information_schema.PLUGINS WHERE PLUGIN_TYPE = 'PASSWORD VALIDATION' "
          + "AND PLUGIN_STATUS = 'ACTIVE'", [])
      var isStrict = false
      if look.isMariaDB, !judges.isEmpty {
        let answer = try await session.query("SELECT @@GLOBAL.strict_password_validation", [])
        isStrict = answer.first?.first.flatMap { $0 } == "1"
      }
      await session.close()
      return answers(look, isStrict: isStrict)
    } catch {
      return [Readiness("login of \(adminUser)", error)]
    }
  }

  private func answers(_ look: MariaDBLook, isStrict: Bool) -> [Readiness] {
    func right(_ name: String, _ otherwise: String) -> Readiness {
      Readiness(
        name,
        look.may(name)
          ? .ready("\(adminUser) holds it")
          : .missing(because: otherwise, fix: "GRANT \(name) ON *.* TO \(adminUser)"))
    }
    guard !look.accounts.isEmpty else {
      return [
        Readiness(
          "user \(user)",
          .missing(because: "the server has no such user", fix: "correct \"user\" in staunch.yaml"))
      ]
    }
    // That the rows could be read is SELECT on mysql.*.
    var found = [
      Readiness("SELECT on mysql.*", .ready("\(look.accounts.count) host row(s) of \(user) were read")),
      right("CREATE USER", "\(adminUser) may not change the password of \(user)"),
      right("PROCESS", "\(adminUser) does not see sessions of \(user)"),
      right(
        "CONNECTION ADMIN",
        "\(adminUser) may not end sessions of \(user): whoever is logged in with the leaked password stays"),
      Readiness(
        "two passwords at once",
        look.takesTwo
          ? .ready("the server keeps them")
          : .missing(
            because: "this server keeps one password for a user",
            fix: "MariaDB 10.4 or MySQL 8.0.14 is needed")),
    ]
    if isStrict {
      found.append(
        Readiness(
          "strict_password_validation",
          .missing(
            because:
              "a validation plugin is loaded, and the server takes passwords in clear only, which its binlog keeps",
            fix: "SET GLOBAL strict_password_validation = OFF")))
    }
    if let most = look.mostErrors, most < 1000 {
      found.append(
        Readiness(
          "max_password_errors",
          .missing(
            because: "it is \(most): proving the old password dead would block the user",
            fix: "SET GLOBAL max_password_errors = 4294967295, for as long as the run takes")))
    }
    for row in look.accounts where row.isLocked {
      found.append(
        Readiness(
          "row \(row.ref)",
          .missing(
            because: "it is locked: no program uses it so, and a new password would open it",
            fix: "ALTER USER \(row.ref) ACCOUNT UNLOCK, or DROP USER \(row.ref)")))
    }
    return found
  }

  public func loginReadiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let look = try await look(at: primary)
      return look.accounts.compactMap { row in
        if row.isExpired {
          return Readiness(
            "row \(row.ref)",
            .missing(
              because: "its password has expired: a login gets nowhere",
              fix: "ALTER USER \(row.ref) PASSWORD EXPIRE NEVER"))
        }
        if row.methods.contains(where: { MariaDBAccount.keepsVerifier($0) && $0.text.isEmpty }) {
          return Readiness(
            "row \(row.ref)",
            .missing(
              because: "it has no password: whoever comes without one is let in",
              fix: "ALTER USER \(row.ref) ACCOUNT LOCK, or give it a password"))
        }
        return nil
      }
    } catch {
      return [Readiness("user \(user)", .unknown(because: "\(error.operation): \(error.because)"))]
    }
  }
}
