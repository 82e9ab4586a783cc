import Chronicle
import Foundation
import Incidents
import JSON
import TestSupport
import Testing

@Suite("Timeline")
struct TimelineTests {
  private func rows(_ story: JournalStory, _ repositories: [RepositoryEvidence] = []) -> [TimelineRow] {
    Timeline(of: IncidentRecord(of: "inc-7f3a91c2", in: story.events), repositories: repositories).rows
  }

  @Test("the timeline starts with the repository and goes forward in time")
  func order() {
    let rows = rows(.contained(), [JournalStory.evidence])
    #expect(rows.first?.mark == .introduced)
    #expect(rows.first?.certainty == .claimed)
    #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.at <= $1.at })
  }

  @Test("every row names its evidence: an event of the journal by number and hash, or a record outside")
  func evidence() {
    let story = JournalStory.contained()
    for row in rows(story) {
      guard case .journal(let sequence, let hash) = row.evidence else {
        Issue.record("\(row.text) has no journal event")
        continue
      }
      #expect(story.events[sequence - 1].hash == hash)
      #expect(story.events[sequence - 1].at == row.at)
    }
  }

  @Test("people's words are quoted and tagged as entered")
  func quotes() {
    let note = rows(.contained()).first { $0.quote == "The dashboard showed the last login at 02:58" }
    #expect(note?.certainty == .entered)
    #expect(note?.text == "Note by role responder")
  }

  @Test("repeated answers become one row with the first and one with the proof")
  func repeats() {
    let dead = rows(.contained()).filter { $0.mark == .dead }
    #expect(
      dead.map(\.text) == [
        "Probe of postgres-training (leaked): DEAD (28P01)",
        "step prove_dead: proof of death, refused 18 times from 03:09:30Z to 03:09:42Z, 21 control logins accepted, "
          + "propagation time 0 s",
      ])
  }

  @Test("an intent without outcome is shown, one with an outcome is not")
  func intents() {
    var story = JournalStory.contained()
    let before = rows(story).count
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(
      24, .stepIntent, ["step": "extra", "attempt": 1, "action": "credential.delete", "phase": "perform"])
    #expect(rows(story).count == before + 1)
    story.at(
      25, .stepOutcome, ["step": "extra", "attempt": 1, "action": "credential.delete", "phase": "perform"])
    #expect(rows(story).count == before + 1)
    #expect(rows(story).last?.text == "step extra: credential.delete answered")
  }

  @Test("events of a merged incident are part of the timeline, those of another are not")
  func merged() {
    var story = JournalStory.contained()
    story.about("inc-other")
    story.at(30, .incidentOpened, ["kind": "aws_access_key", "source": "trufflehog"])
    let before = rows(story)
    #expect(!before.contains { $0.text.contains("trufflehog") })
    story.about("inc-7f3a91c2")
    story.at(31, .incidentUpdated, ["merged": ["inc-other"]])
    #expect(rows(story).contains { $0.text.contains("trufflehog") })
    #expect(IncidentRecord.all(in: story.events).map(\.id) == ["inc-7f3a91c2"])
  }

  @Test("every kind of event has words", arguments: EventKind.allCases)
  func vocabulary(kind: EventKind) {
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    story.at(0, .incidentOpened, [:])
    story.at(1, kind, ["step": "s", "for": "approval", "state": "unknown"])
    let silent: Set<EventKind> = [.lockTaken, .lockReleased, .secretSealed, .stepDone]
    let last = rows(story).last
    #expect((last?.at == JournalStory.minute(1)) != silent.contains(kind))
    #expect(last?.text.isEmpty == false)
  }
}
