import Capabilities
import Incidents
import JSON
import Secrets

// What stands already: somebody else's replacement, an earlier attempt's value, and what a run leaves behind.
extension CredentialIssue {
  /// A replacement that is there already.
  struct Standing {
    let material: Material
    let version: String
  }

  /// The leaked values; empty where the playbook does not name them.
  private func leakedValues(_ call: ActionCall) async throws(CapabilityError) -> [Secret] {
    try await call.leak("replaces")?.values ?? []
  }

  /// The store's value, when the provider accepts it and it is none of the leaked ones. Nil where the playbook does not
  /// say which values leaked.
  func standing(_ call: ActionCall, _ target: Targets.Credential) async throws(CapabilityError) -> Standing? {
    let leaked = try await leakedValues(call)
    let issuing = target.provider.capabilities.issuing
    guard !leaked.isEmpty, issuing != .human, issuing != .leased,
      let (material, version) = try await storedMaterial(call, target)
    else { return nil }
    let value = material.primary
    guard !leaked.contains(where: { $0.isSpelling(of: value) }) else { return nil }
    return try await target.provider.verify(value, ref: nil).state == .alive
      ? Standing(material: material, version: version) : nil
  }

  func keep(_ call: ActionCall, _ target: Targets.Credential) async throws(CapabilityError) -> ActionResult {
    guard let found = try await standing(call, target) else {
      throw CapabilityError(
        .conflict, signature.id, because: "the store's value worked a moment ago and does not now",
        fix: "staunch resume \(call.run)")
    }
    let ref = try await target.provider.ref(ofIssued: found.material.primary)
    return result(IssuedCredential(ref: ref, material: found.material), call, isKept: true)
  }

  /// True when every leaked value is refused and the account takes another one.
  func isReplaced(_ call: ActionCall, _ provider: any CredentialProvider) async throws(CapabilityError)
    -> Bool
  {
    let leaked = try await leakedValues(call)
    for secret in leaked {
      guard try await provider.verifyMeaning(secret, ref: nil).isReplaced else { return false }
    }
    return !leaked.isEmpty
  }

  /// - Throws: `.conflict` when somebody has changed the one value that the account takes, or may have, and it was not this
  ///   step.
  func refuseForeignChange(_ call: ActionCall, _ provider: any CredentialProvider, _ earlier: Secret?)
    async throws(CapabilityError)
  {
    guard provider.capabilities.overlap == .none else { return }
    var unseen: String?
    var isForeign = false
    let leaked = try await leakedValues(call)
    for secret in leaked {
      let probe = try await provider.verifyMeaning(secret, ref: nil)
      isForeign = isForeign || probe.isForeign
      guard probe.isReplaced || probe.isForeign || (probe.state == .unknown && probe.isRefused) else {
        return
      }
      if probe.state == .unknown { unseen = unseen ?? probe.code }
    }
    guard !leaked.isEmpty else { return }
    if let earlier, try await provider.verify(earlier, ref: nil).state == .alive { return }
    let name = try call.credential()
    let because =
      unseen.map { "\(name) refuses the leaked value, and what it takes now nobody can say (\($0))" }
      ?? "\(name) refuses the leaked value already: somebody has changed it"
      + (isForeign ? ", and what it takes now is not known here" : "")
    // With their value in the store the world is another one than was planned: this run would stop there.
    let ours =
      "put their value into the store, then: staunch plan \(call.incident.map { "\($0)" } ?? "INCIDENT"); or go on without "
      + "a new one: \(leavingOut(call, because: "rotated by hand"))"
    // Whoever holds the leaked value could log in with it and set another one.
    let theirs = provider.account.map { account in
      "; if it was none of you, stop it: staunch credential disable \(ShellWord.quoted(name.rawValue)) "
        + "--id \(ShellWord.quoted(account.rawValue)) --live --confirm \(ShellWord.quoted(name.rawValue)), "
        + "then: staunch resume \(call.run)"
    }
    throw CapabilityError(
      .conflict, signature.id,
      because: "\(because), and a new value would lock out whoever uses theirs",
      fix: ours + (unseen != nil || isForeign ? theirs ?? "" : ""))
  }

  /// The commands that go on without a replacement: the proof that it works has nothing to prove then.
  func leavingOut(_ call: ActionCall, because reason: String) -> String {
    let word = "--run \(call.run) --reason \"\(reason)\""
    return "staunch skip \(call.step) \(word), staunch skip prove_alive \(word), "
      + "then: staunch resume \(call.run)"
  }

  /// The value that an earlier attempt of this step sealed; nil when there was none.
  func earlierValue(_ call: ActionCall, _ provider: any CredentialProvider) async throws(CapabilityError)
    -> Secret?
  {
    guard provider.capabilities.issuing == .generated, call.attempt > 1 else { return nil }
    for attempt in (1..<call.attempt).reversed() {
      do {
        return try await call.secrets.secret(SecretRef("\(call.marker).\(attempt)"))
      } catch {
        guard error.class == .notFound else { throw error }
      }
    }
    return nil
  }

  /// How late what an attempt asked for may still be carried out. A value of ours is set again with the same text, so
  /// nothing that comes late makes another one. What comes late is seen by every question only after the provider's
  /// propagation time once more.
  func lateness(_ call: ActionCall) throws(CapabilityError) -> Duration {
    let capabilities = try targets.credential(call.credential()).provider.capabilities
    switch capabilities.issuing {
    case .human, .leased: return .zero
    case .generated, .named, .unnamed: return capabilities.propagation * 2
    case .slot, .rotated: return capabilities.propagation
    }
  }

  func leftovers(_ call: ActionCall, _ prepared: [Preparation]) async throws(CapabilityError) -> [Leftover] {
    let provider = try targets.credential(call.credential()).provider
    let kept = call.earlier["ref"].flatMap { value -> CredentialRef? in
      if case .string(let text) = value { CredentialRef(text) } else { nil }
    }
    switch provider.capabilities.issuing {
    case .human, .leased: return []  // nothing was sent; what was drawn ends by itself
    case .rotated:
      guard kept == nil, !prepared.isEmpty,
        try isDecided(try await rotationVerdict(call, provider), as: .dead)
      else { return [] }
      return [
        Leftover(
          ref: provider.account?.rawValue ?? provider.lock, isRemovable: false,
          why: "the leaked value was turned into a new one that nobody holds")
      ]
    case .slot:
      guard kept == nil, !prepared.isEmpty else { return [] }
      let leaked = try await call.leak("replaces")
      var mine: [CredentialRef] = []
      if let leaked { mine = try await provider.subject(of: leaked, isAccountsOwn: true).refs }
      return (try await provider.slots()?.taken ?? []).filter { !mine.contains($0) }.map {
        Leftover(
          ref: $0.rawValue, isRemovable: false, why: "it may hold a value of this run that nobody knows")
      }
    case .generated:
      guard kept == nil else { return [] }
      // No outcome: whatever an attempt has set, nobody holds it but the journal.
      let values = prepared.flatMap { Array($0.secrets.values) }
      guard let value = values.last,
        try isDecided(try await provider.verify(value, ref: nil), as: .alive)
      else { return [] }
      let ref: CredentialRef
      do throws(CapabilityError) { ref = try await provider.ref(ofIssued: value) } catch {
        guard error.class == .notFound else { throw error }
        return [
          Leftover(
            ref: provider.account?.rawValue ?? provider.lock, isRemovable: false,
            why:
              "a value that this run generated is accepted at some of its places (\(error.because)), and no store holds it"
          )
        ]
      }
      return [
        Leftover(
          ref: ref.rawValue, isRemovable: provider.capabilities.overlap != .none,
          why: "a value that this run generated is accepted, and no store holds it")
      ]
    case .named:
      return try await provider.issued(marker: call.marker, before: []).filter { $0 != kept }.map {
        Leftover(
          ref: $0.rawValue, isRemovable: true, why: "a request of this run made it after its reply was lost")
      }
    case .unnamed:
      // An attempt that kept what was there has asked for nothing.
      guard let first = prepared.first(where: { $0.snapshot["keeps"] == nil }) else { return [] }
      guard let before = first.snapshot["existing"]?.array?.compactMap(\.string) else {
        throw CapabilityError(
          .invalid, "look for what \(call.step) left",
          because: "the journal does not say what was there before, so nothing can be called new")
      }
      return try await provider.issued(marker: call.marker, before: before.map { CredentialRef($0) })
        .filter { $0 != kept && !before.contains($0.rawValue) }
        .map {
          Leftover(
            ref: $0.rawValue, isRemovable: false, why: "it is new since this run began, and has no name")
        }
    }
  }

  /// - Throws: `.network` when there is no verdict: then nobody can say that nothing was left.
  private func isDecided(_ probe: CredentialProbe, as state: CredentialState) throws(CapabilityError) -> Bool
  {
    guard probe.state != .unknown else {
      throw CapabilityError(
        .network, "look for what was left", because: "the provider gives no verdict (\(probe.code))")
    }
    return probe.state == state
  }
}
