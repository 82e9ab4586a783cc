import Foundation
import Inbox
import Journal
import Response
import StaunchConfiguration

/// What the lanes keep of the journal, and what works on it. Made of one configuration, and anew when that changes: everything
/// here is derived.
final class Desks {
  let chronicle: FollowedChronicle
  let ledger: IncidentLedger
  let waiting: WaitingIncidents
  let storm: Storm
  let latePlaces: LatePlaces
  let notices: Notices
  let reading: DeliveryReading
  let reconciliation: Reconciliation
  let secretFetch: SecretFetch

  init(_ installation: Installation, _ inbox: Inbox, now: @escaping @Sendable () -> Date) throws {
    let journal = installation.journal
    let chronicle = FollowedChronicle(journal)
    let ledger = IncidentLedger(journal: journal, chronicle: chronicle)
    let voice = installation.voice
    let say: (String) -> Void = { voice.say(harmless($0)) }
    self.chronicle = chronicle
    self.ledger = ledger
    waiting = WaitingIncidents(chronicle)
    storm = Storm(journal: journal, configuration: installation.configuration, chronicle: chronicle)
    latePlaces = LatePlaces(installation: installation, chronicle: chronicle)
    notices = Notices(installation: installation, chronicle: chronicle, now: now)
    reading = DeliveryReading(key: try StateDirectory(installation.statePath).fingerprintKey())
    reconciliation = Reconciliation(
      sources: installation.sources, inbox: inbox, ledger: ledger,
      receiver: installation.configuration.receiver, now: now, say: say)
    secretFetch = SecretFetch(
      sources: installation.sources, reading: reading,
      joining: JoiningValues(installation: installation, ledger: ledger), now: now, say: say)
  }
}
