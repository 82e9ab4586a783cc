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
    let key = try entryKeys(call, target).map(\.key).joined(separator: ", ")
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
    case .rotated:
      will =
        "turn the leaked value of \(name) into a new one, in a call that ends the old one at once and is never sent twice"
    case .slot: will = "set the value of \(name) anew that did not leak"
    case .leased: will = "try whether \(name) still gives leases; its programs draw their own"
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
    try await refuseUnusable(call, target)
    var affected = target.consumers.map(\.rawValue)
    if capabilities.overlap == .none {
      affected = affected.map { "\($0) (fails until it is rolled out: the old value stops working now)" }
    }
    if capabilities.issuing == .leased {
      return PlannedEffect(
        will: "\(will), and store nothing", target: name.rawValue, preconditions: preconditions,
        reversible: true,
        affected: affected)
    }
    let places = try entryKeys(call, target)
    var copies: (affected: [String], cannotPredict: [String]) = ([], [])
    for (key, field) in places {
      let former = try await FormerValues(
        call, targets, store: store, key: key,
        countsLeaked: field == nil || field == target.provider.shape.primary,
        own: Set(places.map(\.key)))
      let planned = try await former.planned()
      copies.affected += planned.affected
      copies.cannotPredict += planned.cannotPredict
    }
    if let problem = try await roomProblem(target.provider) {
      copies.cannotPredict.append("whether there will be room: \(problem.because)")
    }
    for need in await target.provider.loginReadiness() {
      guard case .unknown(let because) = need.verdict else { continue }
      copies.cannotPredict.append("whether a new value is accepted (\(need.what)): \(because)")
    }
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
      try await refuseReadable(call, target)
      try checkEntries(call, target)
      let earlier = try await earlierValue(call, target.provider)
      try await refuseForeignChange(call, target.provider, earlier)
      try await refuseUnusable(call, target)
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
        let made = result(issued, call)
        secrets = made.secrets
        snapshot["ref"] = .string(issued.ref.rawValue)
        if !issued.material.shape.isSingle {
          snapshot["public"] = .object(issued.material.publicParts.mapValues { .string($0) })
        }
      case .named, .unnamed:
        if let problem = try await roomProblem(target.provider) { throw problem }
      case .rotated: try await checkRotation(call, target)
      case .slot, .leased: break
      }
      return Preparation(snapshot: .object(snapshot), secrets: secrets)
    case "store":
      guard target.provider.capabilities.issuing != .leased else { return Preparation() }
      let places = try entryKeys(call, target)
      let version = try await targets.store(call.store()).currentVersion(places.first?.key ?? target.key)
      return Preparation(snapshot: ["previous": version.map { .string($0) } ?? .null])
    default: throw .noPhase(phase, of: signature.id)
    }
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let name = try call.credential()
    let target = try targets.credential(name)
    switch phase {
    case "issue":
      if target.provider.capabilities.issuing == .human { return try await taken(call, prepared, name) }
      if prepared.snapshot["keeps"] != nil { return try await keep(call, target) }
      let pending = try await pendingValue(call, prepared, target.provider)
      let issued = try await target.provider.issue(
        IssueOrder(marker: call.marker, generated: pending, replacing: try await call.leak("replaces")),
        under: authority)
      return result(issued, call)
    case "store":
      guard target.provider.capabilities.issuing != .leased else { return ActionResult(isUnchanged: true) }
      try await refuseReadable(call, target)
      let values = try await storedValues(call, target)
      let before = try await values.holders()
      // A value that was kept is in its place; what held the leaked one beside it may not be.
      let isKept = call.earlier["kept"] == .boolean(true) && !before.joined().contains(where: \.follows)
      let version: String?
      if isKept {
        version = try await values.store.currentVersion(values.entries.first?.key ?? target.key)
      } else {
        let (entries, spared) = values.writing
        version = try await values.store.put(entries, sparing: spared, marker: call.marker, under: authority)
      }
      var outputs = try await values.outputs(before: before)
      outputs["version"] = .optional(version)
      return ActionResult(outputs: outputs, isUnchanged: isKept)
    default: throw .noPhase(phase, of: signature.id)
    }
  }

  func pendingValue(
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
    for leaked in try await call.secrets("replaces") where leaked.isSpelling(of: secret) {
      throw CapabilityError(
        .awaitsPerson, "issue a replacement", because: "the value that was handed over is a leaked one",
        fix: "issue a new one at the provider and put that there")
    }
  }

  /// The value that a person issued, sealed before this phase began: nothing is sent, so nothing can be lost.
  func taken(_ call: ActionCall, _ prepared: Preparation, _ name: CredentialName)
    async throws(CapabilityError) -> ActionResult
  {
    guard let ref = prepared.snapshot["ref"]?.string else {
      throw CapabilityError(
        .awaitsPerson, "issue \(name)", because: "the person's value was not taken", fix: "staunch resume")
    }
    func opened(_ handle: SecretRef) async throws(CapabilityError) -> Secret {
      if let sealed = prepared.secrets[handle] { return sealed }
      return try await call.secrets.secret(handle)
    }
    let shape = try targets.credential(name).provider.shape
    guard let parts = prepared.snapshot["public"]?.object else {
      return result(IssuedCredential(ref: CredentialRef(ref), secret: try await opened(call.newSecret)), call)
    }
    var values = parts.compactMapValues { $0.string.map { Secret($0) } }
    for field in shape.fields where field.isSecret {
      values[field.name] = try await opened(call.newField(field.name))
    }
    return result(IssuedCredential(ref: CredentialRef(ref), material: try Material(shape, values)), call)
  }
}
