import Chronicle
import Foundation
import Incidents
import JSON

/// A storm as the console shows it: one thing to decide, what it is about, and what became of it once it was released.
enum StormDocument {
  /// The one that is held.
  static func of(_ storm: StormCourse.Held, _ known: Chronicle) -> JSONValue {
    let incidents = known.storm.heldIncidents
    return [
      "id": .string(storm.id), "reason": .string(storm.reason), "since": .string(Timestamp.text(storm.since)),
      "text": .string("\(storm.incidents) new incidents: \(storm.reason). Nothing starts by itself."),
      "incidents": .integer(storm.incidents), "kinds": kinds(of: incidents, known),
      "states": states(of: incidents, known),
    ]
  }

  /// The last one that was released.
  static func of(_ storm: StormCourse.Released, _ known: Chronicle) -> JSONValue {
    [
      "id": .string(storm.id), "reason": .string(storm.reason),
      "released": .string(Timestamp.text(storm.at)), "incidents": .integer(storm.incidents.count),
      "kinds": kinds(of: storm.incidents, known), "states": states(of: storm.incidents, known),
    ]
  }

  private static func kinds(of incidents: [IncidentID], _ known: Chronicle) -> JSONValue {
    counts(incidents.compactMap { known[$0]?.course.identity.kind.rawValue })
  }

  /// `planned`, `closed`, or `waiting`: for its start, or because it is only recorded.
  private static func states(of incidents: [IncidentID], _ known: Chronicle) -> JSONValue {
    counts(
      incidents.compactMap { known[$0]?.course }.map { course in
        course.isClosed ? "closed" : course.isPlanned ? "planned" : "waiting"
      })
  }

  private static func counts(_ words: [String]) -> JSONValue {
    .object(Dictionary(words.map { ($0, 1) }, uniquingKeysWith: +).mapValues { .integer($0) })
  }
}
