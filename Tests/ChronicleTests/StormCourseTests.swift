import Chronicle
import Foundation
import Incidents
import JSON
import Testing

@Suite struct StormCourseTests {
  private let start = Date(timeIntervalSince1970: 1_796_000_000)

  private func event(_ number: Int, _ kind: EventKind, _ incident: IncidentID?, _ body: JSONValue)
    -> JournalEvent
  {
    JournalEvent(
      sequence: number, at: start.addingTimeInterval(Double(number)), run: nil, incident: incident,
      kind: kind,
      body: body, hash: "")
  }

  private func decision(_ number: Int, _ what: String, _ reason: String) -> JournalEvent {
    event(number, .decision, nil, DecisionMade(what, because: reason, role: "responder").body)
  }

  @Test func `a storm knows what it holds, and its release what it had held`() {
    var known = Chronicle()
    for number in 1...3 { known.take(event(number, .incidentOpened, IncidentID("inc-\(number)"), [:])) }
    #expect(!known.storm.isHeld && known.storm.held == nil && known.storm.heldIncidents.isEmpty)
    known.take(decision(4, DecisionMade.storm, "many"))
    known.take(event(5, .incidentOpened, "inc-5", [:]))
    #expect(known.storm.isHeld)
    #expect(known.storm.held?.incidents == 4 && known.storm.held?.first == "inc-1")
    #expect(known.storm.held?.id == "storm-4" && known.storm.released == nil)
    known.take(decision(6, DecisionMade.stormReleased, "I looked"))
    #expect(!known.storm.isHeld)
    let released = known.storm.released
    #expect(released?.id == "storm-4" && released?.sequence == 6 && released?.reason == "I looked")
    #expect(released?.incidents == ["inc-1", "inc-2", "inc-3", "inc-5"])
    known.take(decision(7, DecisionMade.stormReleased, "again"))
    #expect(known.storm.released?.sequence == 6, "none was held")
  }
}
