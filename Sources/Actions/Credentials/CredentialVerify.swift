import Capabilities
import Incidents
import Secrets

/// `credential.verify`
///
/// A refusal counts only while a control is accepted: the provider's own, and `control:` where the playbook names one.
struct CredentialVerify: ReadAction {
  let signature = ActionSignature.credentialVerify
  let targets: Targets

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let name = try call.credential()
    let provider = try targets.credential(name).provider
    let probe = try await probe(call, provider)
    return ActionResult(
      outputs: [
        "state": .string(probe.state.rawValue), "code": .string(probe.code),
        "replaced": .boolean(probe.isReplaced),
      ],
      answer: probe.state.rawValue,
      probes: [ProbeRecord(credential: name, secret: try call.secretRef(), probe: probe)],
      propagation: provider.capabilities.propagation)
  }

  private func probe(_ call: ActionCall, _ provider: any CredentialProvider) async throws(CapabilityError)
    -> CredentialProbe
  {
    let secret = try await call.secret()
    guard call.known("control") != nil else { return try await provider.verify(secret, ref: call.optionalRef()) }
    if let problem = try await controlProblem(call, provider) { return problem }
    let probe = try await provider.verify(secret, ref: call.optionalRef())
    guard probe.state == .dead else { return probe }
    return try await controlProblem(call, provider) ?? probe
  }

  /// Why a refusal would say nothing now.
  private func controlProblem(_ call: ActionCall, _ provider: any CredentialProvider)
    async throws(CapabilityError) -> CredentialProbe?
  {
    let control = try await provider.verify(
      try await call.secret("control"), ref: call.optionalRef("control_ref"))
    guard control.state != .alive else { return nil }
    return CredentialProbe(
      .unknown, code: "the control is not accepted either (\(control.state.rawValue): \(control.code))")
  }
}
