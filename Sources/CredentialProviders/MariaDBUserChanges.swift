public import Capabilities
import Incidents
import Secrets

// What is done to one host row.
extension MariaDBUser {
  /// `'app'@'10.%'`.
  private func name(_ row: MariaDBAccount, _ session: any SQLSession) throws(CapabilityError) -> String {
    try session.quotedLiteral(row.user) + "@" + (try session.quotedLiteral(row.host))
  }

  /// Replaces the row's ways in. What else stands in it (TLS, limits) is left as it is.
  func set(
    _ methods: [MariaDBAccount.Method], at row: MariaDBAccount, unlocks: Bool = false,
    _ session: any SQLSession,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    var ways: [String] = []
    for method in methods {
      // A malformed verifier lets nobody in, and the server would refuse the statement.
      guard MariaDBAccount.isWayIn(method) else { continue }
      let plugin = try session.quotedIdentifier(method.plugin)
      ways.append(
        method.text.isEmpty ? plugin : plugin + " USING " + (try session.quotedLiteral(method.text)))
    }
    guard !ways.isEmpty else {
      throw CapabilityError(.unsafe, "ALTER USER", because: "nobody would get in at \(row.ref) any more")
    }
    _ = try await session.execute(
      "ALTER USER \(try name(row, session)) IDENTIFIED VIA \(ways.joined(separator: " OR "))"
        + (unlocks ? " ACCOUNT UNLOCK" : ""), [], under: authority)
  }

  /// Adds `secret` beside what the row has. A row that an earlier containment locked is opened again, without the leaked
  /// value: what was never leaked may log in.
  func add(
    _ secret: Secret, to row: MariaDBAccount, replacing leak: Leak?, _ look: MariaDBLook,
    _ session: any SQLSession, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard look.takesTwo else {
      throw CapabilityError(
        .unsupported, "ALTER USER", because: "this server keeps one password for a user",
        fix: "MariaDB 10.4 or MySQL 8.0.14 is needed")
    }
    try refuseOpen(row, judging: secret)
    guard look.isMariaDB else {
      try await addAtMySQL(secret, to: row, session, under: authority)
      return
    }
    if row.judgement(of: secret) == .accepts, !row.isLocked { return }
    var kept = row.methods
    if row.isLocked {
      // Whatever takes the leaked value, or may: without the value, every password of the row.
      let values = leak?.values ?? []
      kept = kept.filter { method in
        guard MariaDBAccount.keepsVerifier(method) else { return true }
        let one = MariaDBAccount(user: row.user, host: row.host, methods: [method])
        return !values.isEmpty && values.allSatisfy { one.judgement(of: $0) == .differs }
      }
    }
    if MariaDBAccount(user: row.user, host: row.host, methods: kept).judgement(of: secret) != .accepts {
      kept.append(verifier(of: secret, for: row))
    }
    try await set(kept, at: row, unlocks: row.isLocked, session, under: authority)
  }

  /// In the way that the row has already.
  private func verifier(of secret: Secret, for row: MariaDBAccount) -> MariaDBAccount.Method {
    if row.methods.contains(where: { $0.plugin == MariaDBAccount.ed25519 }),
      let text = MariaDBVerifier.ed25519(secret)
    {
      return MariaDBAccount.Method(plugin: MariaDBAccount.ed25519, text: text)
    }
    return MariaDBAccount.Method(plugin: MariaDBAccount.native, text: MariaDBVerifier.native(secret))
  }

  private func refuseOpen(_ row: MariaDBAccount, judging secret: Secret) throws(CapabilityError) {
    guard row.judgement(of: secret) == .open else { return }
    throw CapabilityError(
      .unsafe, "ALTER USER", because: "\(row.ref) has no password: whoever comes without one is let in",
      fix: "ALTER USER \(row.ref) ACCOUNT LOCK, or give it a password; then: staunch resume")
  }

  /// `RETAIN CURRENT PASSWORD` takes the password itself.
  private func addAtMySQL(
    _ secret: Secret, to row: MariaDBAccount, _ session: any SQLSession,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard tls(at: primary) == "verify-full" || ThisMachine.isMeant(by: primary.host) else {
      throw CapabilityError(
        .unsafe, "ALTER USER",
        because: "MySQL takes the new password in clear, and the connection is not encrypted",
        fix: "write tls: verify-full in staunch.yaml")
    }
    // A call that was cut off behind this row: sent again, it would retain the new one and lose the leaked one, which programs
    // still use.
    if row.judgement(of: secret) == .accepts, !row.isLocked { return }
    if row.hasSecond {
      if await takes([secret], at: row, primary, times: 1) { return }
      throw CapabilityError(
        .conflict, "ALTER USER", because: "\(row.ref) keeps a second password already, which would be lost",
        fix: "when no program uses it: ALTER USER \(row.ref) DISCARD OLD PASSWORD; then: staunch resume")
    }
    // Locked by an earlier containment: the password on it leaked and is not retained.
    let end = row.isLocked ? " ACCOUNT UNLOCK" : " RETAIN CURRENT PASSWORD"
    _ = try await session.execute(
      "ALTER USER \(try name(row, session)) IDENTIFIED BY \(try session.quotedLiteral(secret.exposeAsText()))\(end)",
      [], under: authority)
  }

  /// See ``disable(_:leak:replacedBy:under:)``.
  func stop(
    _ row: MariaDBAccount, _ leak: Leak, replacedBy: CredentialRef?, _ look: MariaDBLook,
    _ session: any SQLSession, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let isReplaced = replacedBy != nil
    guard look.isMariaDB else {
      try await stopAtMySQL(row, leak, isReplaced: isReplaced, session, under: authority)
      return
    }
    // Which one leaked nobody has said: what the store holds may be it.
    guard isReplaced || !leak.values.isEmpty else {
      try await lock(row, session, under: authority)
      return
    }
    let known = await presentPasswords().filter { one in
      leak.values.isEmpty ? ref(one) == replacedBy : !leak.values.contains { $0.isSame(as: one) }
    }
    // What takes a leaked value, or may, unless it is a password that is known here.
    let kept = row.methods.filter { method in
      guard MariaDBAccount.keepsVerifier(method) else { return true }
      let one = MariaDBAccount(user: row.user, host: row.host, methods: [method])
      if known.contains(where: { one.judgement(of: $0) == .accepts }) { return true }
      return !leak.values.isEmpty && leak.values.allSatisfy { one.judgement(of: $0) == .differs }
    }
    if let value = leak.value { try refuseOpen(row, judging: value) }
    if row.isLocked, !isReplaced { return }
    if kept == row.methods {
      // Somebody else (PAM) judges, of whom nothing is known: only the lock stops it. One that was replaced is the proof's
      // question.
      let isJudgedElsewhere = leak.values.contains { value in
        if case .otherJudge = row.judgement(of: value) { true } else { false }
      }
      if isJudgedElsewhere, !isReplaced { try await lock(row, session, under: authority) }
      return
    }
    let isLastWay = kept.allSatisfy { !MariaDBAccount.isWayIn($0) }
    guard !isLastWay else {
      let isUnseen = leak.values.contains { value in
        if case .unseen = row.judgement(of: value) { true } else { false }
      }
      // The new one may be among them: a lock would keep it out, too.
      guard !isReplaced || (!isUnseen && !leak.values.isEmpty) else {
        throw CapabilityError(
          .conflict, "ALTER USER",
          because:
            "which of the ways in at \(row.ref) takes the leaked password cannot be told here, nor which takes a new one",
          fix: "put the new password into the store of the entry, then: staunch resume")
      }
      try await lock(row, session, under: authority)
      return
    }
    try await set(kept, at: row, session, under: authority)
  }

  private func lock(
    _ row: MariaDBAccount, _ session: any SQLSession, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard !row.isLocked else { return }
    // Not PASSWORD EXPIRE: a login still succeeds then, and its holder may set another.
    _ = try await session.execute("ALTER USER \(try name(row, session)) ACCOUNT LOCK", [], under: authority)
  }

  private func stopAtMySQL(
    _ row: MariaDBAccount, _ leak: Leak, isReplaced: Bool, _ session: any SQLSession,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    if isReplaced {
      // DISCARD OLD would keep it.
      guard !leak.values.contains(where: { row.judgement(of: $0) == .accepts }) else {
        throw CapabilityError(
          .conflict, "ALTER USER",
          because: "the leaked password is the first one of \(row.ref) still: no new one was set there",
          fix:
            "when nobody uses that row: DROP USER \(row.ref); else set the new one there; then: staunch resume"
        )
      }
      // Only a row that was given a new password has a second one: the leaked.
      if row.hasSecond {
        _ = try await session.execute(
          "ALTER USER \(try name(row, session)) DISCARD OLD PASSWORD", [], under: authority)
      }
      return
    }
    try await lock(row, session, under: authority)
  }

  /// Takes back what `issue` gave.
  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    guard ref.rawValue.hasPrefix(user + "/") else {
      throw CapabilityError(
        .unsupported, "DROP USER", because: "a user is an account with rights, not only a password",
        fix: "when nobody needs it any more: DROP USER \(user)@HOST, for each of its host rows")
    }
    let mark = ref.rawValue.dropFirst(user.count + 1)
    let own = issued.value.flatMap { self.ref($0) == ref ? $0 : nil }
    let (session, look) = try await open(at: primary)
    guard look.isMariaDB else {
      await session.close()
      throw CapabilityError(
        .unsupported, "ALTER USER", because: "MySQL cannot take one of two passwords away by its name",
        fix: "see which one programs use; DISCARD OLD PASSWORD keeps the newer one")
    }
    var results: [RefResult] = []
    for row in look.accounts {
      do throws(CapabilityError) {
        try await takeBack(mark, own, from: row, session, under: authority)
        results.append(RefResult(row.ref))
      } catch { results.append(RefResult(row.ref, problem: error)) }
    }
    await session.close()
    try results.check("ALTER USER")
  }

  private func takeBack(
    _ mark: Substring, _ own: Secret?, from row: MariaDBAccount, _ session: any SQLSession,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    var isUnseen = false
    let kept = row.methods.filter { method in
      if method.plugin == MariaDBAccount.native {
        return method.text.isEmpty || !method.text.dropFirst().lowercased().hasPrefix(mark)
      }
      guard MariaDBAccount.keepsVerifier(method) else { return true }
      guard method.plugin == MariaDBAccount.ed25519, let own else {
        // Which password this is the verifier of cannot be told by its name.
        isUnseen = true
        return true
      }
      return method.text != MariaDBVerifier.ed25519(own)
    }
    if kept.count < row.methods.count {
      guard kept.contains(where: MariaDBAccount.isWayIn) else {
        throw CapabilityError(
          .conflict, "ALTER USER",
          because: "it is the only password of \(row.ref): nobody would get in any more",
          fix: "when nobody uses it: ALTER USER \(row.ref) ACCOUNT LOCK")
      }
      try await set(kept, at: row, session, under: authority)
    } else if isUnseen {
      throw CapabilityError(
        .unsupported, "ALTER USER",
        because: "whether \(row.ref) still takes it cannot be told: its verifiers are of another kind",
        fix: "take it away by hand: SHOW CREATE USER \(row.ref), then ALTER USER")
    }
  }
}
