import Capabilities
import Incidents
import Secrets

/// `credential.verify`: one secret, or every leaked value of one credential.
///
/// A refusal counts only while a control is accepted: the provider's own, and `control:` where the playbook names one.
struct CredentialVerify: ReadAction {
  let signature = ActionSignature.credentialVerify
  let targets: Targets

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let name = try call.credential()
    let provider = try targets.credential(name).provider
    if let problem = try await controlProblem(call, provider) { return result([], problem, provider) }
    var tried: [Secret] = []
    var probes: [ProbeRecord] = []
    var failure: CapabilityError?
    // Every value is asked, whatever the others gave: one that is accepted must not hide behind one that cannot be tried.
    for ref in try call.secretRefs() {
      let secret = try await call.secrets.secret(ref)
      tried.append(secret)
      do throws(CapabilityError) {
        let answer = try await provider.verifyMeaning(secret, ref: call.optionalRef())
        probes.append(ProbeRecord(credential: name, secret: ref, probe: answer))
      } catch { failure = failure ?? error }
    }
    let verdict = CredentialProbe.verdict(of: probes.map(\.probe))
    if let failure, verdict.state != .alive { throw failure }
    guard verdict.state == .dead, let problem = try await controlProblem(call, provider) else {
      var result = result(probes, verdict, provider)
      // Whoever has rotated it, and wherever: what reads a dead value fails.
      if verdict.state == .dead {
        result.outputs["still_old"] = .list(await targets.holders(of: tried).map { .string($0) })
      }
      return result
    }
    return result(
      probes.map { ProbeRecord(credential: $0.credential, secret: $0.secret, probe: problem) }, problem,
      provider)
  }

  private func result(
    _ probes: [ProbeRecord], _ verdict: CredentialProbe, _ provider: any CredentialProvider
  ) -> ActionResult {
    let isReplaced = verdict.state == .dead && probes.allSatisfy(\.probe.isReplaced)
    return ActionResult(
      outputs: [
        "state": .string(verdict.state.rawValue), "code": .string(verdict.code),
        "replaced": .boolean(isReplaced),
      ],
      answer: verdict.state.rawValue, probes: probes, propagation: provider.capabilities.propagation)
  }

  /// Why a refusal would say nothing now; nil also where the playbook names no control.
  private func controlProblem(_ call: ActionCall, _ provider: any CredentialProvider)
    async throws(CapabilityError) -> CredentialProbe?
  {
    guard call.known("control") != nil else { return nil }
    let control = try await provider.verify(
      try await call.secret("control"), ref: call.optionalRef("control_ref"))
    guard control.state != .alive else { return nil }
    return CredentialProbe(
      .unknown, code: "the control is not accepted either (\(control.state.rawValue): \(control.code))")
  }
}
