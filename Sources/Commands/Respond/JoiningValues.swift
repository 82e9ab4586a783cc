import Capabilities
import StaunchConfiguration
import Incidents
import JSON
import Journal
import Secrets

/// Tries values that a report brings for incidents which are known by another value: the password of after a rotation, or
/// a second one of the same account. Reads only; the desk decides by it whether a closed incident is opened again.
struct JoiningValues {
  /// One try.
  struct Trial: Sendable {
    let credential: CredentialName
    let probe: CredentialProbe
    /// Entries of stores that hold it; nil: nobody looked.
    var stillOld: [String]?

    /// What the journal keeps of it, once the value has a handle.
    func event(of ref: SecretRef, in incident: IncidentID) -> NewEvent {
      var body: [String: JSONValue] = [
        "credential": .string(credential.rawValue), "ref": .string(ref.rawValue),
        "subject": .string(CredentialRecord.Subject.leaked.rawValue),
        "state": .string(probe.state.rawValue), "code": .string(probe.code),
      ]
      if let stillOld { body["still_old"] = .array(stillOld.map { .string($0) }) }
      return NewEvent(.credentialProbed, incident: incident, .object(body))
    }
  }

  let installation: Installation
  let ledger: IncidentLedger

  /// A report decides how many logins it makes us try; what comes after these counts as unknown.
  private static let most = 32

  /// What each such value gave; those of incidents without a target are not among them.
  func tried(_ incidents: [Incident]) async throws -> [Fingerprint: Trial] {
    try ledger.refresh()
    var trials: [Fingerprint: Trial] = [:]
    // Read once, and only when an incident is known already.
    var planned: [IncidentID: CredentialName]?
    for incident in incidents {
      guard
        case .known(let id) = IncidentMatching.of(incident, known: ledger.keys, isOlder: ledger.isOlder),
        let known = ledger.known(id), known.closed != nil || known.contained != nil
      else { continue }
      if planned == nil { planned = try plannedCredentials() }
      guard
        let name = planned?[id]
          ?? Routing(configuration: installation.configuration).route(for: incident)?.credential
      else { continue }
      for value in try ledger.furtherValues(of: incident, in: id) {
        guard trials.count < Self.most else { return trials }
        trials[value.fingerprint] = Trial(credential: name, probe: await probe(value.secret, at: name))
      }
    }
    return trials
  }

  /// The credential of each incident's last plan, which may have been found by asking.
  private func plannedCredentials() throws -> [IncidentID: CredentialName] {
    var found: [IncidentID: CredentialName] = [:]
    for plan in try installation.journal.plans() {
      guard let incident = plan.incident,
        let name = plan.document["inputs"]?["credential"]?["$credential"]?.string.map({ CredentialName($0) }),
        installation.configuration.credentials[name] != nil
      else { continue }
      found[incident] = name
    }
    return found
  }

  private func probe(_ secret: Secret, at name: CredentialName) async -> CredentialProbe {
    do throws(CapabilityError) {
      return try await installation.targets.credential(name).provider.verifyMeaning(secret, ref: nil)
    } catch {
      return CredentialProbe(.unknown, code: error.class.rawValue)
    }
  }
}
