import Capabilities
import Incidents
import Secrets

/// `credential.verify`
struct CredentialVerify: ReadAction {
  let signature = ActionSignature.credentialVerify
  let targets: Targets

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let name = try call.credential()
    let probe = try await targets.credential(name).provider.verify(
      try await call.secret(), ref: call.optionalRef())
    return ActionResult(
      outputs: ["state": .string(probe.state.rawValue), "code": .string(probe.code)],
      answer: probe.state.rawValue,
      probes: [ProbeRecord(credential: name, secret: try call.secretRef(), probe: probe)])
  }
}
