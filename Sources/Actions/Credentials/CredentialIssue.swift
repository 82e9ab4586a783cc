import Capabilities
import Foundation
import Incidents
import JSON
import Secrets

/// `credential.issue`: the replacement (phase `issue`), then its place in the store (phase `store`).
///
/// Nothing is issued where a replacement is there already: the store's value is accepted and is not a leaked one (a team
/// has rotated by hand, an earlier run has, another leaked key of the same entry was first). Where the account takes only
/// one value and somebody has changed it, nothing is issued either: it would lock out whoever uses theirs.
struct CredentialIssue: EffectAction {
  let signature = ActionSignature.credentialIssue
  let phases = ["issue", "store"]
  let targets: Targets

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let name = try call.credential()
    let target = try targets.credential(name)
    let capabilities = target.provider.capabilities
    let store = try call.store()
    let key = call.optionalText("key") ?? target.key
    var preconditions: [String: JSONValue] = [
      "lock": .string(target.provider.lock), "issuing": .string(capabilities.issuing.rawValue),
    ]
    if capabilities.overlap == .none {
      let replaced = try await isReplaced(call, target.provider)
      preconditions["replaced"] = .boolean(replaced)
      if replaced {
        return PlannedEffect(
          will:
            "nothing: \(name) refuses the leaked value already and takes another one, set by somebody else",
          target: name.rawValue, preconditions: preconditions, reversible: true)
      }
    }
    let will: String
    switch capabilities.issuing {
    case .generated: will = "set a new random value for \(name)"
    case .named: will = "issue a new credential for \(name), named \(call.marker)"
    case .unnamed: will = "issue a new credential for \(name) (its provider gives it no name)"
    case .human:
      will =
        "wait until a person has issued a new value for \(name), take it from \(target.provider.handOverPlace ?? "them")"
    }
    if try await standing(call, target) != nil {
      return PlannedEffect(
        will:
          "keep the value that \(store) holds as \(key): \(name) accepts it, and it is not the leaked one",
        target: name.rawValue, preconditions: preconditions, reversible: true,
        cannotPredict: ["whether it is still so during the run; otherwise: \(will)"])
    }
    var affected = target.consumers.map(\.rawValue)
    if capabilities.overlap == .none {
      affected = affected.map { "\($0) (fails until it is rolled out: the old value stops working now)" }
    }
    let copies = try await FormerValues(call, targets, store: store, key: key).planned()
    return PlannedEffect(
      will: "\(will) and store it as \(key) in \(store)", target: name.rawValue, preconditions: preconditions,
      reversible: true, affected: affected + copies.affected,
      cannotPredict: (capabilities.issuing == .generated ? [] : ["the public id: the provider chooses it"])
        + copies.cannotPredict)
  }

  func prepare(_ call: ActionCall, phase: String) async throws(CapabilityError) -> Preparation {
    let target = try targets.credential(call.credential())
    switch phase {
    case "issue":
      if let standing = try await standing(call, target) {
        return Preparation(snapshot: ["keeps": .string(standing.version)])
      }
      let earlier = try await earlierValue(call, target.provider)
      try await refuseForeignChange(call, target.provider, earlier)
      let existing = try await target.provider.existing()
      var secrets: [SecretRef: Secret] = [:]
      var snapshot: [String: JSONValue] = ["existing": .array(existing.map { .string($0.rawValue) })]
      switch target.provider.capabilities.issuing {
      case .generated:
        // The same value again: an earlier request that is carried out late then changes nothing.
        if let earlier {
          secrets[call.newSecret] = earlier
        } else {
          secrets[call.newSecret] = try generated(by: target.provider)
        }
      case .human:
        let issued = try await target.provider.handedOver()
        try await refuseLeaked(issued.secret, call)
        secrets[call.newSecret] = issued.secret
        snapshot["ref"] = .string(issued.ref.rawValue)
      case .named, .unnamed: break
      }
      return Preparation(snapshot: .object(snapshot), secrets: secrets)
    case "store":
      let version = try await targets.store(call.store()).currentVersion(
        call.optionalText("key") ?? target.key)
      return Preparation(snapshot: ["previous": version.map { .string($0) } ?? .null])
    default: throw .noPhase(phase, of: signature.id)
    }
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let name = try call.credential()
    let target = try targets.credential(name)
    let key = call.optionalText("key") ?? target.key
    switch phase {
    case "issue":
      if target.provider.capabilities.issuing == .human { return try await taken(call, prepared, name) }
      if prepared.snapshot["keeps"] != nil { return try await keep(call, target) }
      let pending = try await pendingValue(call, prepared, target.provider)
      let issued = try await target.provider.issue(
        marker: call.marker, generated: pending, under: authority)
      return result(issued, call)
    case "store":
      let store = try targets.store(call.store())
      let new = try await issuedSecret(call)
      let former = try await FormerValues(call, targets, store: try call.store(), key: key, new: new)
      let before = try await former.holders().holders
      // A value that was kept is in its place; what held the leaked one beside it may not be.
      let isKept = call.earlier["kept"] == .boolean(true) && !before.contains(where: \.follows)
      let version: String?
      if isKept {
        version = try await store.currentVersion(key)
      } else {
        version = try await store.put(
          key, new, replacing: former.values, sparing: former.spared, marker: call.marker, under: authority)
      }
      var outputs = try await former.outputs(before: before)
      outputs["version"] = .optional(version)
      return ActionResult(outputs: outputs, isUnchanged: isKept)
    default: throw .noPhase(phase, of: signature.id)
    }
  }

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
      case .human:
        return .done(try await taken(call, prepared, name), evidence: "the person's value was sealed before")
      }
    case "store":
      let (new, key) = (try await issuedSecret(call), call.optionalText("key") ?? target.key)
      let former = try await FormerValues(call, targets, store: try call.store(), key: key, new: new)
      let isKept = call.earlier["kept"] == .boolean(true)
      if isKept, try await !former.holders().holders.contains(where: \.follows) {
        return .notDone(evidence: "nothing was to be stored")
      }
      return try await StoredValue(store: try targets.store(call.store()), key: key).settle(
        new, replacing: former, outputs: [:])
    default: throw .noPhase(phase, of: signature.id)
    }
  }

  /// The value was sealed before the call: try it.
  private func settleGenerated(
    _ call: ActionCall, _ prepared: Preparation, _ provider: any CredentialProvider
  ) async throws(CapabilityError) -> Settlement {
    guard let pending = try await pendingValue(call, prepared, provider) else {
      return .unknown(reason: "the new value was not sealed before the call")
    }
    let probe = try await provider.verify(pending, ref: nil)
    switch probe.state {
    case .alive:
      let issued = IssuedCredential(ref: try await provider.ref(ofIssued: pending), secret: pending)
      return .done(result(issued, call), evidence: "the new value is accepted (\(probe.code))")
    case .dead: return .notDone(evidence: "the new value is refused (\(probe.code))")
    case .unknown: return .unknown(reason: "whether the new value was set cannot be told (\(probe.code))")
    }
  }

  /// What was made and whose secret was lost is an orphan: nobody can use it, so it goes, and another one is issued.
  private func settleIssued(
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

  private func result(_ issued: IssuedCredential, _ call: ActionCall) -> ActionResult {
    ActionResult(
      outputs: [
        "ref": .string(issued.ref.rawValue), "secret": .secret(call.newSecret), "kept": .boolean(false),
      ],
      secrets: [call.newSecret: issued.secret])
  }

  /// The secret that phase `issue` gave.
  private func issuedSecret(_ call: ActionCall) async throws(CapabilityError) -> Secret {
    guard case .secret(let ref)? = call.earlier["secret"] else { throw call.missing("secret", .secret) }
    return try await call.secrets.secret(ref)
  }

  private func pendingValue(
    _ call: ActionCall, _ prepared: Preparation, _ provider: any CredentialProvider
  ) async throws(CapabilityError) -> Secret? {
    guard provider.capabilities.issuing == .generated else { return nil }
    if let sealed = prepared.secrets[call.newSecret] { return sealed }
    return try await call.secrets.secret(call.newSecret)
  }

  private func generated(by provider: any CredentialProvider) throws(CapabilityError) -> Secret {
    guard let value = try provider.generate() else {
      throw CapabilityError(
        .unsupported, "generate a value", because: "the provider says that we generate it but makes none")
    }
    return value
  }

  /// A person who puts the leaked value there once more has replaced nothing.
  private func refuseLeaked(_ secret: Secret, _ call: ActionCall) async throws(CapabilityError) {
    guard call.inputs["replaces"] != nil else { return }
    for leaked in try await call.secrets("replaces") where leaked.isSame(as: secret) {
      throw CapabilityError(
        .awaitsPerson, "issue a replacement", because: "the value that was handed over is a leaked one",
        fix: "issue a new one at the provider and put that there")
    }
  }

  /// The value that a person issued, sealed before this phase began: nothing is sent, so nothing can be lost.
  private func taken(_ call: ActionCall, _ prepared: Preparation, _ name: CredentialName)
    async throws(CapabilityError) -> ActionResult
  {
    guard let ref = prepared.snapshot["ref"]?.string else {
      throw CapabilityError(
        .awaitsPerson, "issue \(name)", because: "the person's value was not taken", fix: "staunch resume")
    }
    let secret =
      if let sealed = prepared.secrets[call.newSecret] { sealed } else {
        try await call.secrets.secret(call.newSecret)
      }
    return result(IssuedCredential(ref: CredentialRef(ref), secret: secret), call)
  }
}
