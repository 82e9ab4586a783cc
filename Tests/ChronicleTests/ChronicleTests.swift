import Chronicle
import Foundation
import Incidents
import JSON
import TestSupport
import Testing

/// The one fold of the journal's events.
@Suite struct ChronicleTests {
  private func chronicle(_ story: JournalStory) -> Chronicle {
    var chronicle = Chronicle()
    for event in story.events { chronicle.take(event) }
    return chronicle
  }

  private func report(_ key: String, _ places: [String], delivery: String? = nil) -> JSONValue {
    var members: [String: JSONValue] = [
      "key": .string(key), "kind": "openai_api_key",
      "locations": .array(places.map { ["key": .string($0), "place": "file", "path": "a.py", "line": 1] }),
    ]
    members["delivery"] = delivery.map { .string($0) }
    return .object(members)
  }

  @Test func `a whole incident is one course, with its plan and its end`() throws {
    let story = JournalStory.contained()
    let told = chronicle(story)
    #expect(Array(told.incidents.keys) == IncidentRecord.all(in: story.events).map(\.id))
    let course = try #require(told["inc-7f3a91c2"]?.course)
    #expect(course.isPlanned)
    #expect(course.opened == 1)
    #expect(course.places == ["k1"])
    #expect(told.workersRuns.all.isEmpty, "a person runs it")
  }

  @Test func `merged incidents are one, under the older name, with the places and values of both`() throws {
    var story = JournalStory()
    story.about("inc-a")
    story.at(0, .incidentOpened, report("s:1", ["p1"], delivery: "d1"))
    story.at(0, .secretSealed, ["key": "inc-a/leaked", "purpose": "leaked"])
    story.about("inc-b")
    story.at(1, .incidentOpened, report("s:2", ["p2"]))
    story.at(1, .secretSealed, ["key": "inc-b/leaked", "purpose": "leaked"])
    story.about("inc-a")
    story.at(2, .incidentUpdated, ["merged": ["inc-b"]])
    let told = chronicle(story)
    #expect(Array(told.incidents.keys) == ["inc-a"])
    #expect(told.owner(of: "inc-b") == "inc-a")
    let course = try #require(told["inc-b"]?.course)
    #expect(course.members == ["inc-a", "inc-b"])
    #expect(course.places == ["p1", "p2"])
    #expect(course.values.refs == ["inc-a/leaked", "inc-b/leaked"])
    #expect(course.bodies.map { $0["key"]?.string } == ["s:1", "s:2"])
    #expect(course.origins == ["d1"])
    #expect(course.first == JournalStory.minute(0))
  }

  @Test func `first seen is the earliest of what reports claim and what the repository's history shows`() {
    var story = JournalStory()
    story.about("inc-a")
    story.at(
      0, .incidentOpened,
      [
        "key": "s:1", "detected": "2026-11-24T02:00:00.000Z",
        "locations": [["key": "p1", "committed": "2026-11-20T00:00:00.000Z"]],
      ])
    #expect(chronicle(story)["inc-a"]?.course.firstSeen == Timestamp.date("2026-11-20T00:00:00Z"))
    let authored = JournalStory.minute(-9999)
    story.at(
      1, .incidentUpdated,
      IncidentReport.introduction(of: "models", commit: "4f9d1c2", authored: authored, refs: ["main"]).body)
    let course = chronicle(story)["inc-a"]?.course
    #expect(course?.firstSeen == authored)
    #expect(course?.detected == JournalStory.minute(-60))
    #expect(course?.bodies.count == 1, "an introduction is no report")
  }

  @Test func `another value takes the plan back, a further place does not`() throws {
    var story = JournalStory()
    story.about("inc-a")
    story.at(0, .incidentOpened, report("s:1", ["p1"]))
    story.at(0, .secretSealed, ["key": "inc-a/leaked", "purpose": "leaked"])
    story.at(1, .planSaved, ["plan": "plan-1"])
    #expect(chronicle(story)["inc-a"]?.course.isPlanned == true)
    story.at(2, .incidentUpdated, report("s:1", ["p2"]))
    #expect(chronicle(story)["inc-a"]?.course.isPlanned == true)
    story.at(3, .secretSealed, ["key": "inc-a/leaked-0123456789abcdef", "purpose": "leaked"])
    #expect(chronicle(story)["inc-a"]?.course.isPlanned == false)
  }

  @Test func `an incident that is opened again needs another plan`() throws {
    var story = JournalStory()
    story.about("inc-a")
    story.at(0, .incidentOpened, report("s:1", ["p1"]))
    story.at(1, .planSaved, ["plan": "plan-1"])
    story.at(2, .incidentState, ["state": "contained", "reason": "proven"])
    story.at(3, .incidentState, ["state": "closed", "reason": "done"])
    let closed = try #require(chronicle(story)["inc-a"]?.course)
    #expect(closed.closed?.sequence == 4)
    #expect(closed.contained == 3)
    #expect(closed.isPlanned)
    story.at(4, .incidentState, ["state": "open", "reason": "it is back"])
    let open = try #require(chronicle(story)["inc-a"]?.course)
    #expect(!open.isClosed && open.contained == nil && !open.isPlanned)
  }

  @Test func `who follows the journal hears what is new, and of which incident it is now`() {
    var story = JournalStory()
    story.about("inc-a")
    story.at(0, .incidentOpened, report("s:1", ["p1"]))
    story.about("inc-b")
    story.at(1, .incidentOpened, report("s:2", ["p2"]))
    story.about("inc-a")
    story.at(2, .incidentUpdated, ["merged": ["inc-b"]])
    story.about("inc-b")
    story.at(3, .incidentUpdated, report("s:2", ["p2", "p3"]))
    story.at(4, .secretSealed, ["key": "inc-b/leaked", "purpose": "leaked"])
    var chronicle = Chronicle()
    let changes = story.events.map { chronicle.take($0) }
    #expect(changes.map(\.incident) == ["inc-a", "inc-b", "inc-a", "inc-a", "inc-a"])
    #expect(changes[2].gone == ["inc-b"])
    #expect(changes[3].places.map(\.key) == ["p3"])
    #expect(changes.map(\.bringsValue) == [false, false, false, false, true])
  }

  @Test func `the worker's run waits until the earliest of its ends, and is forgotten when it is over`() {
    var story = JournalStory()
    story.about("inc-a", run: "run-1")
    story.at(0, .planApproved, ["plan": "plan-1", "via": "worker", "actions": ["credential.disable"]])
    story.at(1, .stepWaiting, ["step": "a", "for": "approval", "until": "2026-11-24T04:00:00.000Z"])
    story.at(2, .stepWaiting, ["step": "b", "for": "poll", "until": "2026-11-24T03:30:00.000Z"])
    let waiting = chronicle(story).workersRuns.all
    #expect(waiting.map(\.run) == ["run-1"])
    #expect(waiting.first?.until == JournalStory.minute(30))
    #expect(waiting.first?.isByPolicyAlone == true)
    story.at(3, .stepDone, ["step": "b"])
    story.at(4, .planApproved, ["plan": "plan-1", "role": "responder"])
    let approved = chronicle(story).workersRuns.all
    #expect(approved.first?.until == JournalStory.minute(60))
    #expect(approved.first?.isByPolicyAlone == false)
    #expect(approved.first?.sequence == 5)
    story.at(5, .runEnded, ["state": "done"])
    #expect(chronicle(story).workersRuns.all.isEmpty)
  }

  @Test func `a storm counts from one window before it began, until a person has looked`() throws {
    var story = JournalStory()
    for (minute, id) in [(0.0, "inc-a"), (15.0, "inc-b"), (16.0, "inc-c")] {
      story.about(IncidentID(id))
      story.at(minute, .incidentOpened, report("s:\(id)", [id]))
    }
    story.about(nil)
    story.at(17, .decision, ["what": "storm", "reason": "3 at once", "role": "policy"])
    let held = try #require(chronicle(story).storm.held)
    #expect(held.id == "storm-4")
    #expect(held.reason == "3 at once")
    #expect(held.incidents == 2, "the first is older than the window")
    story.at(18, .decision, ["what": "storm released", "reason": "looked", "role": "responder"])
    #expect(chronicle(story).storm.held == nil)
    #expect(chronicle(story).storm.openings.isEmpty)
  }
}
