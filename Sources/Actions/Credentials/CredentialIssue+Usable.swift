import Capabilities
import Incidents
import Secrets

// What `doctor` asks too: whether a new value would be accepted where the store's readers use it.
extension CredentialIssue {
  /// - Throws: `.conflict` where a new value would be of no use: what a login needs beside it is missing, or the account takes
  ///   one value and the store's is not it, so that nobody knows what its programs use. What cannot be asked stops nothing.
  func refuseUnusable(_ call: ActionCall, _ target: Targets.Credential) async throws(CapabilityError) {
    let name = try call.credential()
    for need in await target.provider.loginReadiness() {
      guard case .missing(let because, let fix) = need.verdict else { continue }
      throw CapabilityError(
        .conflict, "issue a value for \(name)",
        because: "a new one would be refused where it is used (\(need.what)): \(because)", fix: fix)
    }
    guard target.provider.capabilities.overlap == .none,
      let leaked = try await call.leak("replaces")?.values, !leaked.isEmpty,
      let stored = try await storedMaterial(call, target)?.material.primary,
      !leaked.contains(where: { $0.isSpelling(of: stored) })
    else { return }
    // One that is refused as the leaked ones are says nothing of the entry: the account may be locked.
    guard try await leakedVerdict(call, target.provider).state == .alive else { return }
    let probe = try await target.provider.verify(stored, ref: nil)
    guard probe.isRefused else { return }
    let store = try call.store()
    let key = try entryKeys(call, target).map(\.key).joined(separator: ", ")
    throw CapabilityError(
      .conflict, "issue a value for \(name)",
      because:
        "\(store) holds a value as \(key) that \(name) refuses (\(probe.code)), while a leaked one is accepted: "
        + "what its programs use stands elsewhere, and they would fail",
      fix: "correct \"key\" of \(name) in staunch.yaml, or put the value that is used now there as \(key); "
        + "then: staunch resume \(call.run)")
  }
}
