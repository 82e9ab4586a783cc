import Chronicle
import Foundation
import Incidents
import JSON
import Journal
import Response

/// Notes on an incident what its platform says of it ("GitHub says: resolved as revoked"), once for each delivery. A
/// platform's word closes nothing: only our own proof of death does. That it has opened the alert again opens a closed
/// incident again.
struct PlatformWords {
  let journal: Journal
  let ledger: IncidentLedger

  /// - Parameters:
  ///   - event: the sender's id for the message: its words are noted once.
  ///   - desk: puts an alert that is new or open again into the journal.
  /// - Returns: what became of the incidents; alerts that nobody knew are opened as if they had just been reported, because
  ///   nobody has proved that their secret is dead.
  func take(_ words: [DeliveryReading.Word], of event: String, into desk: IncidentDesk) throws
    -> [IncidentDesk.Entry]
  {
    var entries: [IncidentDesk.Entry] = []
    for word in words {
      var desk = desk
      if word.isOpenAgain { desk.reopening = word.said }
      if word.isOpenAgain || ledger.keys.incident(of: word.key) == nil {
        entries += try desk.record([word.incident])
      }
      guard let id = ledger.keys.incident(of: word.key) else { continue }
      let known = try journal.events(incident: id, kinds: [.incidentUpdated])
      guard !known.contains(where: { IncidentReport($0.body).said?.delivery == event }) else { continue }
      try journal.append(
        .incidentUpdated, incident: id,
        IncidentReport.said(
          IncidentReport.PlatformWord(source: word.source, text: word.text, delivery: event)
        ).body)
    }
    return entries
  }
}
