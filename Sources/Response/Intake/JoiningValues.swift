import Capabilities
import Chronicle
import StaunchConfiguration
package import Incidents
import JSON
package import Journal
package import Secrets

/// Tries values that a report brings for incidents which are known by another value: the password of after a rotation, or
/// a second one of the same account; and, where it says that a value of a contained incident works, that one. Reads only; the
/// desk decides by it whether an incident is opened again.
package struct JoiningValues {
  /// One try.
  package struct Trial: Sendable {
    package let credential: CredentialName
    package let probe: CredentialProbe
    /// Entries of stores that hold it; nil: nobody looked.
    package var stillOld: [String]?

    package init(credential: CredentialName, probe: CredentialProbe, stillOld: [String]? = nil) {
      self.credential = credential
      self.probe = probe
      self.stillOld = stillOld
    }

    /// What the journal keeps of it, once the value has a handle.
    package func event(of ref: SecretRef, in incident: IncidentID) -> NewEvent {
      var body: [String: JSONValue] = [
        "credential": .string(credential.rawValue), "ref": .string(ref.rawValue),
        "subject": .string(CredentialRecord.Subject.leaked.rawValue),
        "state": .string(probe.state.rawValue), "code": .string(probe.code),
      ]
      if let stillOld { body["still_old"] = .array(stillOld.map { .string($0) }) }
      return NewEvent(.credentialProbed, incident: incident, .object(body))
    }

    /// Keeps what tries by hand gave; opens the journal for them alone.
    package static func note(
      _ trials: [(ref: SecretRef, trial: Trial)], about incident: IncidentID, in journal: () throws -> Journal
    ) throws {
      guard !trials.isEmpty else { return }
      try journal().append(trials.map { $0.trial.event(of: $0.ref, in: incident) })
    }
  }

  package let installation: Installation
  package let ledger: IncidentLedger

  package init(installation: Installation, ledger: IncidentLedger) {
    self.installation = installation
    self.ledger = ledger
  }

  /// A report decides how many logins it makes us try; what comes after these counts as unknown.
  private static let most = 32

  /// Whether a value of these would be tried: then somebody else's server decides how long that takes.
  package func areTried(_ incidents: [Incident]) throws -> Bool {
    try ledger.refresh()
    return incidents.contains { incident in
      guard case .known(let id) = IncidentMatching.of(incident, known: ledger.keys, isOlder: ledger.isOlder),
        let known = ledger.known(id)
      else { return false }
      return known.closed != nil || known.contained != nil
    }
  }

  /// What each such value gave; those of incidents without a target are not among them.
  package func tried(_ incidents: [Incident]) async throws -> [Fingerprint: Trial] {
    try ledger.refresh()
    var trials: [Fingerprint: Trial] = [:]
    for incident in incidents {
      guard
        case .known(let id) = IncidentMatching.of(incident, known: ledger.keys, isOlder: ledger.isOlder),
        let known = ledger.known(id), known.closed != nil || known.contained != nil
      else { continue }
      guard
        let name = try plannedCredential(of: id)
          ?? Routing(configuration: installation.configuration).route(for: incident)?.credential
      else { continue }
      for value in try asked(incident, id, known) where trials[value.fingerprint] == nil {
        guard trials.count < Self.most else { return trials }
        trials[value.fingerprint] = Trial(credential: name, probe: await probe(value.secret, at: name))
      }
    }
    return trials
  }

  private func asked(_ incident: Incident, _ id: IncidentID, _ known: IncidentLedger.Known) throws
    -> [LeakedValue]
  {
    let further = try ledger.furtherValues(of: incident, in: id)
    guard known.closed == nil, incident.validity == .active else { return further }
    // Its own, or, where it holds none, all that are known.
    let own = incident.values.filter { known.values.fingerprints[$0.fingerprint] != nil }
    guard incident.values.isEmpty else { return further + own }
    return try known.values.fingerprints.sorted { $0.value < $1.value }.map {
      LeakedValue(fingerprint: $0.key, secret: try installation.journal.open($0.value))
    }
  }

  /// The credential of the incident's last plan, which may have been found by asking; nil: it has none, or staunch.yaml no
  /// longer has that one.
  private func plannedCredential(of incident: IncidentID) throws -> CredentialName? {
    try installation.journal.plans(incident: incident).lazy
      .compactMap { $0.document["inputs"]?["credential"]?["$credential"]?.string.map { CredentialName($0) } }
      .first { installation.configuration.credentials[$0] != nil }
  }

  private func probe(_ secret: Secret, at name: CredentialName) async -> CredentialProbe {
    do throws(CapabilityError) {
      return try await installation.targets.credential(name).provider.verifyMeaning(secret, ref: nil)
    } catch {
      return CredentialProbe(.unknown, code: error.class.rawValue)
    }
  }
}
