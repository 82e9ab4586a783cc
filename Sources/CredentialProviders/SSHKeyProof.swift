public import Capabilities
import Foundation
public import Incidents
public import Secrets

extension SSHKey {
  /// Refusals at one place.
  private static let refusals = 2

  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    guard let key = SSHPrivateKey.readable(secret), let half = try await publicHalf(key) else {
      return CredentialProbe(.unknown, code: "it is no private key, or nobody has its passphrase")
    }
    let places = ref.flatMap(parts).map { [$0.place] } ?? places
    var probes: [(place: String, probe: CredentialProbe)] = []
    for place in places { probes.append((place.name, await verdict(on: key, half, at: place))) }
    return CredentialProbe.verdict(at: probes)
  }

  private func verdict(on key: Secret, _ half: SSHPublicKey, at place: SSHPlace) async -> CredentialProbe {
    var controls = 0
    for _ in 0..<Self.refusals {
      let look: SSHKeyLook
      do throws(CapabilityError) { look = try await self.look(place, half) } catch {
        return await uncontrolled(key, half, at: place, because: error.because)
      }
      controls += 1
      switch await line.attempt(key, half, at: place) {
      case .accepted: return CredentialProbe(.alive, code: "accepted")
      case .undecided(let code): return CredentialProbe(.unknown, code: code)
      case .refused: break
      }
      if !look.isRevoked, look.lists(half.fingerprint) {
        return CredentialProbe(
          .unknown,
          code:
            "refused from here, but \(place.name) still lists it (from=, expiry-time=, a locked account or its modes)",
          isRefused: true)
      }
      if let other = look.otherWay() {
        return CredentialProbe(.unknown, code: "refused from here, but \(other)", isRefused: true)
      }
    }
    let look: SSHKeyLook
    do throws(CapabilityError) { look = try await self.look(place, half) } catch {
      return CredentialProbe(
        .unknown, code: "refused, and then the runner, too: \(error.because)", isRefused: true)
    }
    guard look.isRevoked || !look.lists(half.fingerprint) else {
      return CredentialProbe(.unknown, code: "listed again while it was tried", isRefused: true)
    }
    let listed = Set(look.files.flatMap(\.keys.keys).map(\.key.fingerprint))
    let own = await presentFingerprints()
    // Whoever names the keys that belong here wants to hear of others.
    let isForeign =
      !settings.knownKeys.isEmpty && !listed.subtracting(own).subtracting(settings.knownKeys).isEmpty
    return CredentialProbe(
      .dead, code: look.isRevoked ? "publickey refused, in RevokedKeys" : "publickey refused",
      isReplaced: !isForeign && !own.isDisjoint(with: listed), isForeign: isForeign,
      evidence: ProbeEvidence(refusals: Self.refusals, controls: controls + 1))
  }

  func look(_ place: SSHPlace, _ key: SSHPublicKey?) async throws(CapabilityError) -> SSHKeyLook {
    try await SSHKeyLook(place, self, try await admin(), key: key)
  }

  /// Without an administrator only a yes says something.
  private func uncontrolled(_ key: Secret, _ half: SSHPublicKey, at place: SSHPlace, because reason: String)
    async
    -> CredentialProbe
  {
    switch await line.attempt(key, half, at: place) {
    case .accepted: CredentialProbe(.alive, code: "accepted")
    case .refused:
      CredentialProbe(.unknown, code: "refused, and nothing to compare with: \(reason)", isRefused: true)
    case .undecided(let code): CredentialProbe(.unknown, code: code)
    }
  }

  /// Of the keys that the store holds.
  func presentFingerprints() async -> Set<String> {
    var found: Set<String> = []
    for secret in await present() {
      do throws(CapabilityError) {
        if let key = try await publicHalf(secret) { found.insert(key.fingerprint) }
      } catch { continue }  // what cannot be read is no key that belongs here
    }
    return found
  }
}
