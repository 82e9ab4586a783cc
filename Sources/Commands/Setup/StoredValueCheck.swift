import Capabilities
import Incidents
import Secrets

/// Whether a credential's provider accepts what its store holds now: a rotation replaces that, and programs that use
/// something else fail afterwards. Reads only.
struct StoredValueCheck {
  let name: CredentialName
  let target: Targets.Credential
  let store: any SecretStore

  /// Nil where nothing is kept in a store.
  func readiness() async -> Readiness? {
    guard target.provider.capabilities.issuing != .leased else { return nil }
    let shape = target.provider.shape
    let key = target.keys.isEmpty ? target.key : target.keys[shape.primary] ?? target.key
    let what = "value of \(key)"
    do throws(CapabilityError) {
      // That it is missing is told beside this.
      guard try await store.currentVersion(key) != nil else { return nil }
      let text = try await store.read(key)
      var value = text
      if target.keys.isEmpty {
        guard let material = Material(reading: text, as: shape) else {
          return Readiness(what, .unknown(because: "it cannot be read as a credential of this kind"))
        }
        value = material.primary
      }
      let probe = try await target.provider.verify(value, ref: nil)
      switch probe.state {
      case .alive: return Readiness(what, .ready("\(name) accepts it (\(probe.code))"))
      case .dead, .unknown:
        guard probe.isRefused else { return Readiness(what, .unknown(because: probe.code)) }
        return Readiness(
          what,
          .missing(
            because: "\(name) refuses it (\(probe.code)): it is an old one, or another credential's",
            fix: "put the value that is used now there, or correct \"key\" of \(name) in staunch.yaml"))
      }
    } catch {
      return Readiness(what, .unknown(because: "\(error.operation): \(error.because)"))
    }
  }
}
