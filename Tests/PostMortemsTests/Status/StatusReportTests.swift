import Foundation
import Incidents
import JSON
import PostMortems
import TestSupport
import Testing

@Suite("Updates and hand-overs")
struct StatusReportTests {
  /// An incident at 03:12: disabled but not proven dead, a gate and a lost effect open, a message stuck.
  private static func story() -> JournalStory {
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    story.at(
      0, .incidentOpened,
      [
        "kind": "postgres_password", "severity": "sev1", "codename": "quiet-heron",
        "detected": "2026-11-24T03:00:00.000Z",
      ])
    story.at(
      1, .planSaved,
      ["plan": "plan-1", "digest": "d1gest", "playbook": "p", "steps": ["replacement", "rewrite"]])
    story.at(2, .planApproved, ["digest": "d1gest", "role": "responder"])
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(3, .runStarted, ["mode": "live"])
    story.probe(4, .alive, code: "login accepted")
    story.effect(5, step: "replacement", action: "credential.issue")
    story.at(5.5, .stepDone, ["step": "replacement"])
    story.at(6, .stepIntent, ["step": "webhook", "action": "http.request"])
    story.at(7, .stepSettled, ["step": "webhook", "settlement": "unknown", "evidence": "the reply was lost"])
    story.at(
      8, .stepWaiting,
      [
        "step": "go", "for": "approval", "prompt": "approval by responder; @everyone",
        "until": "2026-11-24T03:23:00.000Z",
      ])
    story.at(
      9, .message, ["message_id": "m1", "tracker": "security", "state": "dead", "event": "incident.opened"])
    story.at(
      10, .todo, ["text": "Ask the forge about forks", "role": "responder", "owner_role": "repository-admin"])
    story.at(
      11, .decision, ["what": "keep the pool open", "reason": "Ada Example watches it", "role": "responder"])
    return story
  }

  private func update(_ audience: StatusReport.Audience, _ story: JournalStory = story(), now: Double = 12)
    throws
    -> String
  {
    try StatusReport.update(
      events: story.events, incident: "inc-7f3a91c2", now: JournalStory.minute(now), nextUpdate: nil,
      template: PackageFile.template(audience.templateName), people: ["Ada Example"])
  }

  private func handover(_ story: JournalStory) throws -> String {
    try StatusReport.handover(
      events: story.events, incident: "inc-7f3a91c2", now: JournalStory.minute(12),
      nextUpdate: JournalStory.minute(20), template: PackageFile.template("handover.md.mustache"),
      people: ["Ada Example"])
  }

  @Test("updates read as in the golden files", arguments: StatusReport.Audience.allCases)
  func golden(audience: StatusReport.Audience) throws {
    try PackageFile.expect(update(audience), matches: "update-\(audience.rawValue).txt")
  }

  @Test("the hand-over reads as in the golden file")
  func goldenHandover() throws {
    try PackageFile.expect(handover(Self.story()), matches: "handover.md")
  }

  @Test(
    "the internal update has its three parts, the executive one its four",
    arguments: StatusReport.Audience.allCases)
  func parts(audience: StatusReport.Audience) throws {
    let text = try update(audience)
    let parts =
      switch audience {
      case .internal: ["\nConditions\n", "\nActions\n", "\nNeeds\n"]
      case .executive: ["Title: ", "\nStatus: ", "\nOverview: ", "\nNext steps: "]
      }
    for part in parts { #expect(text.contains(part)) }
    #expect(text.hasSuffix("next update at 03:42Z\n"))
    #expect(text.contains("staunch ") == (audience == .internal))
  }

  @Test(
    "the next update is due the sooner the worse it is",
    arguments: [(Severity.sev1, 30), (.sev2, 60), (.sev3, 240), (.sev4, 1440)])
  func interval(severity: Severity, minutes: Int) {
    #expect(StatusReport.interval(for: severity) == .seconds(minutes * 60))
  }

  @Test("a pasted text pages no channel", arguments: StatusReport.Audience.allCases)
  func pages(audience: StatusReport.Audience) throws {
    #expect(try !update(audience).contains("@everyone"))
    #expect(try !handover(Self.story()).contains("@everyone"))
  }

  @Test("an update after midnight names the day")
  func midnight() throws {
    #expect(try update(.executive, now: 20 * 60 + 45).hasSuffix("next update at 2026-11-25 00:15Z\n"))
  }

  @Test("approvals and take-overs are decisions, what was left out and not cleaned are risks")
  func handoverIsWhole() throws {
    var story = Self.story()
    story.at(11.2, .lockTaken, ["locks": ["run/run-1"], "reason": "the laptop is gone"])
    story.at(11.4, .stepSkipped, ["step": "end_sessions", "by": "operator", "reason": "nobody is on call"])
    let text = try handover(story)
    #expect(text.contains("plan approved"))
    #expect(text.contains("taken over") && text.contains("the laptop is gone"))
    #expect(text.contains("no step ended the sessions"))
    // Markdown may escape the underscore.
    #expect(text.replacing("\\", with: "").contains("step end_sessions was left out"))
    #expect(text.contains("the history is not proven clean"))
  }

  @Test("a history that is still at the forge is one risk, said in one sentence")
  func oneSentence() throws {
    var story = Self.story()
    story.at(
      1, .planSaved, ["plan": "plan-2", "digest": "d2", "run": "run-1", "repositories": ["models"]])
    let text = try handover(story)
    #expect(text.contains("still at the forge of models"))
    #expect(!text.contains("the history is not proven clean"))
  }

  @Test(
    "a clock that was set back makes no negative age", arguments: StatusReport.Audience.allCases)
  func clockBehind(audience: StatusReport.Audience) throws {
    let text = try update(audience, now: -59)
    #expect(text.firstMatch(of: /[-−]\d+ (ms|s|min|h|d)/) == nil, "\(text)")
  }

  @Test("a drill says so in every text")
  func drill() throws {
    let story = JournalStory.contained(mode: "drill")
    for audience in StatusReport.Audience.allCases { #expect(try update(audience, story).contains("DRILL")) }
    #expect(try handover(story).matches(of: /DRILL/).count == 3)
    #expect(try !update(.internal).contains("DRILL"))
  }

  @Test("a dead credential is reported as contained, an unprobed one never")
  func verdicts() throws {
    #expect(try update(.executive, .contained()).contains("Status: contained; the credential is dead"))
    #expect(try update(.executive).contains("Status: NOT contained"))
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    story.at(0, .incidentOpened, ["kind": "x"])
    #expect(try update(.executive, story).contains("Status: not proven contained"))
    story.probe(1, .dead, code: "401")
    #expect(try update(.executive, story).contains("refused, which alone proves nothing"))
    #expect(try handover(story).contains("treat it as alive"))
  }

  @Test("an unknown incident is refused")
  func unknown() {
    let error = #expect(throws: PostMortemError.self) {
      try StatusReport.update(
        events: [], incident: "inc-none", now: JournalStory.start, nextUpdate: nil, template: "")
    }
    #expect(error?.code == .unknownIncident)
  }

  @Test("what still holds the old value is a risk that the next responder hears of")
  func stillOld() throws {
    var story = Self.story()
    story.effect(
      11.5, step: "replacement", action: "credential.issue",
      outputs: ["version": "v2", "followed": ["DATABASE_URL in env"], "still_old": ["AUTH_HEADER in env"]])
    let text = try handover(story)
    #expect(
      text.contains("AUTH\\_HEADER in env still holds the old value")
        || text.contains("AUTH_HEADER in env still holds the old value"))
    #expect(!text.contains("DATABASE"))
  }
}
