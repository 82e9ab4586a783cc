import Capabilities
import Incidents
import Secrets

/// `credential.verify`: one secret, or every leaked value of one credential.
struct CredentialVerify: ReadAction {
  let signature = ActionSignature.credentialVerify
  let targets: Targets

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let name = try call.credential()
    let provider = try targets.credential(name).provider
    var probes: [ProbeRecord] = []
    var failure: CapabilityError?
    // Every value is asked, whatever the others gave: one that is accepted must not hide behind one that cannot be tried.
    for ref in try call.secretRefs() {
      let secret = try await call.secrets.secret(ref)
      do throws(CapabilityError) {
        let probe = try await provider.verify(secret, ref: call.optionalRef())
        probes.append(ProbeRecord(credential: name, secret: ref, probe: probe))
      } catch { failure = failure ?? error }
    }
    let verdict = CredentialProbe.verdict(of: probes.map(\.probe))
    if let failure, verdict.state != .alive { throw failure }
    return ActionResult(
      outputs: ["state": .string(verdict.state.rawValue), "code": .string(verdict.code)],
      answer: verdict.state.rawValue, probes: probes)
  }
}
