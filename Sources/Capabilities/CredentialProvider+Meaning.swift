public import Incidents
public import Secrets

extension CredentialProvider {
  /// ``verify(_:ref:)`` for a leaked value, which may be the secret in another spelling (`%26`, `&amp;`): its refusal is no
  /// death, and nobody has changed anything, while that one works.
  public func verifyMeaning(_ leaked: Secret, ref: CredentialRef?) async throws(CapabilityError)
    -> CredentialProbe
  {
    let probe = try await verify(leaked, ref: ref)
    guard probe.isRefused else { return probe }
    for other in leaked.decodings {
      let meant = try await verify(other, ref: ref)
      guard meant.state == .dead || (probe.state == .unknown && meant.isRefused) else {
        let reason =
          meant.state == .alive
          ? "but the leaked value works in another spelling" : "and in another spelling: \(meant.code)"
        return CredentialProbe(.unknown, code: "\(probe.code), \(reason)")
      }
    }
    return probe
  }
}
