import Chronicle
import Foundation
package import Incidents
import Journal

extension PlanMaker {
  /// The plan that an incident's route gives now: after drift, an abort or a no, or for what a message has opened.
  ///
  /// - Parameter credential: the one that a person says it is.
  /// - Throws: when the journal does not have the incident, or it is closed.
  package func plan(known named: IncidentID, credential: CredentialName? = nil) async throws -> Outcome {
    let known = Chronicle(of: try installation.journal.record(of: named).events)
    guard let (id, course) = known[named], let incident = Incident(id: id, journalled: course.bodies)
    else {
      throw Refusal(
        .invalidInput, "there is no incident \"\(harmless(named.rawValue))\"",
        because: "the journal does not have it", fix: "staunch incidents")
    }
    guard !course.isClosed else {
      throw Refusal(
        .declined, "nothing was planned", because: "\(id) is closed", fix: "staunch show \(id)")
    }
    return try await plan(
      IncidentDesk.Entry(
        id: id, incident: incident, leaked: course.values.refs, isNew: false, state: .known),
      credential: credential)
  }
}
