import Capabilities
import Incidents
import JSON
import Secrets

// An INTENT without OUTCOME: how each way of issuing finds out what became of the call.
extension CredentialIssue {
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    let name = try call.credential()
    let target = try targets.credential(name)
    switch phase {
    case "issue":
      if prepared.snapshot["keeps"] != nil { return .notDone(evidence: "nothing was to be issued") }
      switch target.provider.capabilities.issuing {
      case .generated: return try await settleGenerated(call, prepared, target.provider)
      case .named, .unnamed:
        return try await settleIssued(call, prepared, target.provider, under: authority)
      case .slot:
        return .notDoneYet(
          evidence: "what was set is known to nobody: it is set once more when nothing can come late",
          lateness: try lateness(call))
      case .leased: return .notDone(evidence: "a lease whose reply was lost ends by itself; another is drawn")
      case .rotated: return try await settleRotated(call, target.provider)
      case .human:
        return .done(try await taken(call, prepared, name), evidence: "the person's value was sealed before")
      }
    case "store":
      guard target.provider.capabilities.issuing != .leased else {
        return .notDone(evidence: "nothing was to be stored")
      }
      let values = try await storedValues(call, target)
      let isKept = call.earlier["kept"] == .boolean(true)
      if isKept, try await !values.holders().joined().contains(where: \.follows) {
        return .notDone(evidence: "nothing was to be stored")
      }
      return try await values.settle(outputs: [:])
    default: throw .noPhase(phase, of: signature.id)
    }
  }

  /// The value was sealed before the call: try it.
  func settleGenerated(
    _ call: ActionCall, _ prepared: Preparation, _ provider: any CredentialProvider
  ) async throws(CapabilityError) -> Settlement {
    guard let pending = try await pendingValue(call, prepared, provider) else {
      return .unknown(reason: "the new value was not sealed before the call")
    }
    let probe = try await provider.verify(pending, ref: nil)
    switch probe.state {
    case .alive:
      let ref: CredentialRef
      do throws(CapabilityError) { ref = try await provider.ref(ofIssued: pending) } catch {
        // One of several places has not got it: the same value is set again.
        guard error.class == .notFound else { throw error }
        return .notDone(evidence: "the new value is not at every place (\(error.because))")
      }
      let issued = IssuedCredential(ref: ref, secret: pending)
      return .done(result(issued, call), evidence: "the new value is accepted (\(probe.code))")
    case .dead: return .notDone(evidence: "the new value is refused (\(probe.code))")
    case .unknown: return .unknown(reason: "whether the new value was set cannot be told (\(probe.code))")
    }
  }

  /// What was made and whose secret was lost is an orphan: nobody can use it, so it goes, and another one is issued.
  func settleIssued(
    _ call: ActionCall, _ prepared: Preparation, _ provider: any CredentialProvider,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    guard let existing = prepared.snapshot["existing"]?.array else {
      return .unknown(reason: "the intent holds no list of the credentials that existed before")
    }
    let before = existing.compactMap(\.string).map { CredentialRef($0) }
    let orphans = try await provider.issued(marker: call.marker, before: before).filter {
      !before.contains($0)
    }
    guard !orphans.isEmpty else {
      return .notDoneYet(
        evidence: "no new credential is there", lateness: provider.capabilities.propagation)
    }
    if provider.capabilities.issuing == .unnamed, orphans.count > 1 {
      let ids = orphans.map(\.rawValue).sorted().joined(separator: ", ")
      return .unknown(reason: "\(orphans.count) new credentials without a name: \(ids); which is ours?")
    }
    for orphan in orphans { try await provider.delete(orphan, under: authority) }
    let ids = orphans.map(\.rawValue).sorted().joined(separator: ", ")
    return .notDone(evidence: "deleted \(ids): its secret was lost with the reply")
  }

  /// The call is never sent again by itself. What the old value says tells a person what to do.
  func settleRotated(_ call: ActionCall, _ provider: any CredentialProvider) async throws(CapabilityError)
    -> Settlement
  {
    switch try await rotationVerdict(call, provider).state {
    case .alive:
      return .unknown(
        reason:
          "the leaked value is still accepted: the call was not carried out, or not yet. Retry only when the provider "
          + "shows no new token; a second call may destroy what the first one made")
    case .dead:
      return .unknown(
        reason:
          "the leaked value is dead: the call was carried out, and the new value was lost with its reply. Make another "
          + "one at the provider, put it into the store, and skip this step")
    case .unknown: return .unknown(reason: "whether the leaked value is still accepted cannot be told")
    }
  }
}
