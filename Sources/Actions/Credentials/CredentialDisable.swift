import JSON
import Capabilities
import Incidents
import Secrets

/// `credential.disable`: stops a leaked secret from being accepted. It is never enabled again.
struct CredentialDisable: EffectAction {
  let signature = ActionSignature.credentialDisable
  let targets: Targets

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let name = try call.credential()
    let target = try targets.credential(name)
    var unpredicted: [String] = []
    var ref: String?
    do {
      ref = try await leakedRef(call, target.provider).rawValue
    } catch {
      guard error.class != .unsafe else { throw error }
      unpredicted.append("which credential the secret belongs to: \(error.because)")
    }
    let disable = target.provider.capabilities.disable
    let how: String
    switch disable {
    case .reversible, .irreversible: how = "stop \(ref ?? "the leaked credential") from being accepted"
    case .none:
      how = "see that \(ref ?? "the leaked credential") is replaced: its provider cannot disable one"
    }
    return PlannedEffect(
      will: "\(how) at \(name)", target: name.rawValue,
      preconditions: ["lock": .string(target.provider.lock)], reversible: disable == .reversible,
      affected: target.consumers.map { "\($0), unless it already uses the replacement" },
      cannotPredict: unpredicted)
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let name = try call.credential()
    let provider = try targets.credential(name).provider
    let leaked = try await call.secret()
    let replacement = call.optionalRef("replaced_by")
    // Issuing may have ended the old value already (PostgreSQL: one password for each role): then there is nothing
    // left to disable, and disabling the ref would stop the new value. The probe decides.
    if let replacement, call.optionalRef() == nil || call.optionalRef() == replacement {
      let probe = try await provider.verify(leaked, ref: call.optionalRef())
      if probe.state == .dead, try await isSame(replacement, call, provider) {
        return result(replacement, name, try call.secretRef(), probe)
      }
    }
    let ref: CredentialRef
    do throws(CapabilityError) {
      ref = try await leakedRef(call, provider)
    } catch {
      // The provider no longer knows it: what was wanted, when it is refused.
      guard error.class == .notFound else { throw error }
      let probe = try await provider.verify(leaked, ref: nil)
      guard probe.state == .dead else { throw error }
      return ActionResult(
        outputs: ["ref": .null],
        probes: [ProbeRecord(credential: name, secret: try call.secretRef(), probe: probe)], isUnchanged: true)
    }
    try await provider.disable(ref, leaked: leaked, replacedBy: replacement, under: authority)
    return ActionResult(outputs: ["ref": .string(ref.rawValue)])
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    let name = try call.credential()
    let provider = try targets.credential(name).provider
    let probe = try await provider.verify(try await call.secret(), ref: call.optionalRef())
    guard probe.state == .dead, let ref = call.optionalRef() ?? call.optionalRef("replaced_by") else {
      return .notDone(evidence: "disabling is safe to repeat (\(probe.state.rawValue), \(probe.code))")
    }
    return .done(
      result(ref, name, try call.secretRef(), probe), evidence: "the leaked secret is refused (\(probe.code))"
    )
  }

  private func result(
    _ ref: CredentialRef, _ name: CredentialName, _ secret: SecretRef, _ probe: CredentialProbe
  ) -> ActionResult {
    ActionResult(
      outputs: ["ref": .string(ref.rawValue)],
      probes: [ProbeRecord(credential: name, secret: secret, probe: probe)])
  }

  private func leakedRef(_ call: ActionCall, _ provider: any CredentialProvider)
    async throws(CapabilityError) -> CredentialRef
  {
    if let given = call.optionalRef() { return given }
    return try await provider.ref(ofLeaked: try await call.secret())
  }

  /// True when the replacement has the same public id as the leaked credential: it carries the new value now.
  private func isSame(_ replacement: CredentialRef, _ call: ActionCall, _ provider: any CredentialProvider)
    async throws(CapabilityError) -> Bool
  {
    if let given = call.optionalRef() { return given == replacement }
    do {
      return try await provider.identify(try await call.secret()) == replacement
    } catch {
      // A provider that knows a secret only by logging in no longer finds a dead one.
      guard error.class == .notFound else { throw error }
      return provider.capabilities.issuing == .generated
    }
  }
}
