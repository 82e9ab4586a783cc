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
      ref = try await call.subject(by: target.provider).identity.rawValue
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
    let replacement = call.optionalRef("replaced_by")
    guard call.known("secret") != nil else {
      // Only its id is known, which suffices to stop it.
      let subject = try await call.subject(by: provider)
      try await provider.disable(subject, leak: Leak(), replacedBy: replacement, under: authority)
        .check("disable \(subject.identity)")
      return result(subject, [])
    }
    var disabled: Subject?
    var probes: [ProbeRecord] = []
    for handle in try call.secretRefs() {
      let leaked = try await call.secrets.secret(handle)
      // Issuing may have ended the old value already (PostgreSQL: one password for each role): then there is nothing
      // left to disable, and disabling the ref would stop the new value. The probe decides.
      if let replacement, call.optionalRef() == nil || call.optionalRef() == replacement {
        let probe = try await provider.verifyMeaning(leaked, ref: call.optionalRef())
        if probe.state == .dead, try await isSame(replacement, leaked, call, provider) {
          probes.append(ProbeRecord(credential: name, secret: handle, probe: probe))
          disabled = disabled ?? Subject(replacement)
          continue
        }
      }
      let subject: Subject
      do throws(CapabilityError) {
        subject = try await call.subject(by: provider)
      } catch {
        // The provider no longer knows it: what was wanted, when it is refused.
        guard error.class == .notFound else { throw error }
        let probe = try await provider.verifyMeaning(leaked, ref: nil)
        guard probe.state == .dead else { throw error }
        probes.append(ProbeRecord(credential: name, secret: handle, probe: probe))
        continue
      }
      try await provider.disable(subject, leak: Leak(leaked), replacedBy: replacement, under: authority)
        .check("disable \(subject.identity)")
      disabled = disabled ?? subject
    }
    return result(disabled, probes)
  }

  private func result(_ subject: Subject?, _ probes: [ProbeRecord]) -> ActionResult {
    ActionResult(
      outputs: [
        "ref": .optional(subject?.identity.rawValue),
        "refs": .list((subject?.refs ?? []).map { .string($0.rawValue) }),
      ], probes: probes)
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    let name = try call.credential()
    let provider = try targets.credential(name).provider
    var probes: [ProbeRecord] = []
    for handle in call.known("secret") == nil ? [] : try call.secretRefs() {
      let probe = try await provider.verifyMeaning(
        try await call.secrets.secret(handle), ref: call.optionalRef())
      probes.append(ProbeRecord(credential: name, secret: handle, probe: probe))
    }
    let verdict = CredentialProbe.verdict(of: probes.map(\.probe))
    guard verdict.state == .dead, let ref = call.optionalRef() ?? call.optionalRef("replaced_by") else {
      return .notDone(evidence: "disabling is safe to repeat (\(verdict.state.rawValue), \(verdict.code))")
    }
    return .done(
      result(try await provider.subject(ref), probes),
      evidence: "the leaked secret is refused (\(verdict.code))")
  }

  /// True when the replacement has the same public id as the leaked credential: it carries the new value now.
  private func isSame(
    _ replacement: CredentialRef, _ leaked: Secret, _ call: ActionCall, _ provider: any CredentialProvider
  ) async throws(CapabilityError) -> Bool {
    if let given = call.optionalRef() { return given == replacement }
    do {
      return try await provider.identify(leaked) == replacement
    } catch {
      // A provider that knows a secret only by logging in no longer finds a dead one.
      guard error.class == .notFound else { throw error }
      return provider.capabilities.issuing == .generated
    }
  }
}
