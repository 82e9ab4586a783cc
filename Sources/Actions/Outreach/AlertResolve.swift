import Capabilities
import Incidents

/// `alert.resolve`: tells the platforms that reported the secret that it is revoked.
///
/// The platform is asked before each word: what is resolved already, by us or by anybody, is left alone, so that nothing is
/// said twice. An alert that came after the plan is resolved too: it is about the same dead secret. Nothing is said of a
/// secret that a provider can judge and no proof covers.
struct AlertResolve: EffectAction {
  let signature = ActionSignature.alertResolve
  let alerts: any AlertPlatform
  let briefs: any IncidentBriefing

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let found = try await alerts.alerts(of: try incident(call))
    let names = found.map(\.name)
    return PlannedEffect(
      will: found.isEmpty
        ? "resolve no alert: no platform of sources: reported it"
        : "resolve \(names.joined(separator: ", ")) as revoked",
      target: "platform alerts", reversible: true,
      affected: found.isEmpty ? [] : ["whoever watches the platform's alerts"],
      cannotPredict: ["alerts about the same secret that come until then"])
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    var resolved = 0
    for alert in try await alerts.alerts(of: try incident(call)) {
      if try await alerts.isResolved(alert) { continue }
      try await alerts.resolve(
        alert, comment: "\(try await word(call)); \(call.marker)", under: authority)
      resolved += 1
    }
    return ActionResult(outputs: ["resolved": .integer(resolved)])
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    for alert in try await alerts.alerts(of: try incident(call)) {
      if try await !alerts.isResolved(alert) {
        return .notDone(evidence: "\(alert.name) is open; those that are resolved are left alone")
      }
    }
    return .done(ActionResult(outputs: ["resolved": .integer(0)]), evidence: "every alert is resolved")
  }

  /// What is known of its death.
  /// - Throws: `.conflict` when a provider was asked and nothing proves it.
  private func word(_ call: ActionCall) async throws(CapabilityError) -> String {
    let incident = try incident(call)
    let brief = try await briefs.brief(of: incident, run: call.run)
    if brief.isContained { return "Revoked and proven dead" }
    guard brief.wasProbed else { return "A responder reports it revoked; it could not be tried from here" }
    throw CapabilityError(
      .conflict, "resolve the alerts of \(incident)", because: "not every leaked value is proven dead",
      fix: "staunch show \(incident)")
  }

  private func incident(_ call: ActionCall) throws(CapabilityError) -> IncidentID {
    if case .incident(let id)? = call.known("incident") { return id }
    guard let id = call.incident else {
      throw CapabilityError(
        .invalid, "step \(call.step)", because: "this run belongs to no incident, so no platform reported it")
    }
    return id
  }
}
