import Capabilities
import Incidents
import Secrets

// What must hold before anything is issued.
extension CredentialIssue {
  /// A new value is never written where a living leaked credential can read it.
  ///
  /// Only a reach that the provider tells counts: what nobody knows stops nothing.
  /// - Throws: `.unsafe` while it lives.
  func refuseReadable(_ call: ActionCall, _ target: Targets.Credential) async throws(CapabilityError) {
    guard target.provider.capabilities.issuing != .leased, let leak = try await call.leak("replaces") else {
      return
    }
    let name = try call.credential()
    let store = try call.store()
    var resources: [ResourceName] = []
    for (key, _) in try entryKeys(call, target) {
      if let resource = try targets.store(store).resource(of: key) { resources.append(resource) }
    }
    guard !resources.isEmpty else { return }
    let subject: Subject
    do throws(CapabilityError) {
      subject = try await target.provider.subject(of: leak, isAccountsOwn: true)
    } catch {
      guard error.class == .notFound else { throw error }
      return  // not of this target: it reads nothing here
    }
    var readable: ResourceName?
    for ref in Set(subject.refs + [subject.identity]).sorted(by: { $0.rawValue < $1.rawValue }) {
      let reach = try await target.provider.reach(ref)
      readable = readable ?? resources.first { reach.allows(.read, $0) == true }
    }
    guard let readable else { return }
    let verdict = try await leakedVerdict(call, target.provider)
    guard verdict.state != .dead else { return }
    throw CapabilityError(
      .unsafe, "store \(name)",
      because:
        "whoever holds the leaked value can read \(readable), where the new one would be written, and it is "
        + "\(verdict.state == .alive ? "still accepted" : "not proven dead (\(verdict.code))")",
      fix:
        "stop it first: staunch credential disable \(name) --live --confirm \(name), then: staunch resume \(call.run)"
    )
  }

  /// What all leaked values say together.
  func leakedVerdict(_ call: ActionCall, _ provider: any CredentialProvider) async throws(CapabilityError)
    -> CredentialProbe
  {
    var probes: [CredentialProbe] = []
    for value in try await call.leak("replaces")?.values ?? [] {
      probes.append(try await provider.verifyMeaning(value, ref: nil))
    }
    return CredentialProbe.verdict(of: probes)
  }

  /// ``leakedVerdict(_:_:)``, and dead as soon as the provider's own record no longer has the value: after a rotation some
  /// nodes go on accepting it for a while, and a second call would destroy what the first one made.
  func rotationVerdict(_ call: ActionCall, _ provider: any CredentialProvider) async throws(CapabilityError)
    -> CredentialProbe
  {
    let verdict = try await leakedVerdict(call, provider)
    guard verdict.state == .alive, let leak = try await call.leak("replaces") else { return verdict }
    do throws(CapabilityError) {
      _ = try await provider.subject(of: leak)
      return verdict
    } catch {
      guard error.class == .notFound else { throw error }
      return CredentialProbe(.dead, code: "\(verdict.code), but the provider's record no longer has it")
    }
  }

  /// Why the account has no place for another one; nil when it has.
  func roomProblem(_ provider: any CredentialProvider) async throws(CapabilityError) -> CapabilityError? {
    guard [.named, .unnamed].contains(provider.capabilities.issuing), let slots = try await provider.slots(),
      !slots.hasRoom
    else { return nil }
    return CapabilityError(
      .conflict, "issue a credential",
      because: "all \(slots.limit) places are taken: \(slots.taken.map(\.rawValue).joined(separator: ", "))",
      fix:
        "delete the one that nobody uses at the provider, or stop and delete the leaked one first; then: staunch resume"
    )
  }

  /// - Throws: when the call would do harm: its old value is no longer accepted, or there is no place for the new one.
  func checkRotation(_ call: ActionCall, _ target: Targets.Credential) async throws(CapabilityError) {
    let name = try call.credential()
    guard try await call.leak("replaces") != nil else {
      throw CapabilityError(
        .invalid, "rotate \(name)",
        because: "the leaked value is what this provider turns into a new one, and the step "
          + "names none", fix: "add to with: — replaces: \"${{ inputs.leaked }}\"")
    }
    // The old value is dead in the moment of the call: the new one must have its place by then.
    for need in await (try targets.store(call.store())).readiness() {
      guard case .missing(let because, let fix) = need.verdict else { continue }
      throw CapabilityError(
        .conflict, "rotate \(name)", because: "the new value could not be stored: \(because)", fix: fix)
    }
    let verdict = try await rotationVerdict(call, target.provider)
    switch verdict.state {
    case .alive: return
    case .dead:
      throw CapabilityError(
        .conflict, "rotate \(name)",
        because:
          "the leaked value is refused already (\(verdict.code)): it was rotated, and a call with it could destroy "
          + "what it was turned into",
        fix:
          "put the value that is used now into the store, then: "
          + leavingOut(call, because: "rotated already"))
    case .unknown:
      throw CapabilityError(
        .network, "rotate \(name)",
        because: "whether the leaked value is still accepted is unknown (\(verdict.code))")
    }
  }
}
