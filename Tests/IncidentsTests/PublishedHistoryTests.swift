import Foundation
import Incidents
import JSON
import TestSupport
import Testing

/// "Clean" is said of the forge, and only a fresh clone of the remote after the push shows it.
@Suite struct PublishedHistoryTests {
  private static let address = "https://forge.example/models.git"

  private func base() -> JournalStory {
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    story.at(0, .incidentOpened, ["kind": "postgres_password", "codename": "quiet-heron"])
    story.at(1, .planSaved, ["plan": "plan-1", "digest": "d", "run": "run-1", "repositories": ["models"]])
    story.about("inc-7f3a91c2", run: "run-1")
    return story
  }

  private func published(_ story: JournalStory) throws -> PublishedHistory {
    let record = IncidentRecord(of: "inc-7f3a91c2", in: story.events)
    return try #require(record.published.first)
  }

  private func rewrite(_ story: inout JournalStory, _ minute: Double) {
    story.effect(minute, step: "rewrite", item: 0, action: "history.rewrite", outputs: ["commits": 7])
  }
  private func push(_ story: inout JournalStory, _ minute: Double) {
    story.effect(
      minute, step: "push", item: 0, action: "history.push",
      outputs: [
        "remote": .string(Self.address),
        "residual": ["2 hidden references of origin: the forge keeps them; fix: ask"],
      ])
  }
  private func scan(_ story: inout JournalStory, _ minute: Double, remote: String?, places: Int = 0) {
    story.at(
      minute, .stepOutcome,
      [
        "step": "fresh_clone", "item": 0, "action": "history.verify", "phase": "read",
        "answer": places == 0 ? "clean" : "found",
        "outputs": ["places": .integer(places), "objects": 9, "remote": remote.map { .string($0) } ?? .null],
      ])
  }

  @Test func `a clone of this machine's repository made before the push is not clean`() throws {
    var story = base()
    rewrite(&story, 2)
    scan(&story, 3, remote: nil)
    #expect(try published(story).why == "rewritten on this machine only; not pushed")
    let status = try #require(IncidentStatus.derive(events: story.events, now: JournalStory.minute(9)).first)
    #expect(status.stillAtTheForge.map(\.repository) == ["models"])
    push(&story, 4)
    #expect(try published(story).why == "pushed, and no fresh clone of the remote was scanned since")
    scan(&story, 5, remote: nil)
    #expect(try published(story).isClean == false)
  }

  @Test func `only a fresh clone of the remote after the push is clean, with its address and what is left`()
    throws
  {
    var story = base()
    rewrite(&story, 2)
    push(&story, 4)
    scan(&story, 5, remote: Self.address)
    let one = try published(story)
    #expect(one.cleaned == JournalStory.minute(5))
    #expect(one.address == Self.address)
    #expect(one.residual.count == 1)
    let metrics = Metrics(
      of: IncidentRecord(of: "inc-7f3a91c2", in: story.events), repositories: [], now: JournalStory.minute(9))
    #expect(metrics.instants.clean.date == JournalStory.minute(5))
  }

  @Test func `what a rewrite could not reach is left, beside what the push could not`() throws {
    var story = base()
    story.effect(
      2, step: "rewrite", item: 0, action: "history.rewrite",
      outputs: ["commits": 7, "residual": ["forks: each is a copy of its own; fix: tell their owners"]])
    push(&story, 4)
    scan(&story, 5, remote: Self.address)
    #expect(try published(story).residual.map { String($0.prefix(8)) } == ["forks: e", "2 hidden"])
    story.effect(6, step: "undo", item: 0, action: "history.restore")
    #expect(try published(story).residual.count == 1, "a rewrite that was taken back left nothing")
  }

  @Test
  func `a repository that was reported and is missing from staunch.yaml is listed beside those of the plan`()
    throws
  {
    func places(_ names: String...) -> JSONValue {
      [
        "key": "k",
        "locations": .array(
          names.map { ["key": .string($0), "repository": ["name": .string($0)], "path": "a"] }),
      ]
    }
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    story.at(0, .incidentOpened, places("acme/models", "acme/legacy"))
    // staunch.yaml calls acme/models "models".
    story.at(
      1, .planSaved,
      [
        "plan": "plan-1", "digest": "d", "run": "run-1", "repositories": ["models"],
        "unlisted": ["acme/legacy"],
      ])
    story.about("inc-7f3a91c2", run: "run-1")
    rewrite(&story, 2)
    push(&story, 4)
    scan(&story, 5, remote: Self.address)
    func status() throws -> IncidentStatus {
      try #require(IncidentStatus.derive(events: story.events, now: JournalStory.minute(9)).first)
    }
    #expect(try status().stillAtTheForge.map(\.repository) == ["acme/legacy"])
    story.about("inc-7f3a91c2")
    story.at(6, .incidentUpdated, places("acme/models", "acme/later"))
    #expect(try status().stillAtTheForge.map(\.repository) == ["acme/legacy", "acme/later"])
  }

  @Test func `a later push, rewrite or restore makes it unknown again`() throws {
    var story = base()
    rewrite(&story, 2)
    push(&story, 4)
    scan(&story, 5, remote: Self.address)
    var pushed = story
    push(&pushed, 6)
    #expect(try published(pushed).isClean == false)
    // An outcome that does not say how many commits it changed is no "nothing was found".
    var silent = story
    silent.effect(6, step: "rewrite", item: 0, action: "history.rewrite", outputs: ["backup": "b"])
    #expect(try published(silent).isClean == false)
    var idle = story
    idle.effect(6, step: "rewrite", item: 0, action: "history.rewrite", outputs: ["commits": 0, "refs": 0])
    #expect(try published(idle).isClean)
    var restored = story
    restored.effect(6, step: "undo", item: 0, action: "history.restore")
    #expect(try published(restored).why == "its rewrite was taken back")
  }

  @Test func `what the remote's clone still holds, and a refused push, are the reason`() throws {
    var story = base()
    rewrite(&story, 2)
    push(&story, 4)
    scan(&story, 5, remote: Self.address, places: 3)
    #expect(try published(story).why == "a fresh clone of the remote holds it in 3 places")
    var refused = base()
    rewrite(&refused, 2)
    refused.at(3, .stepIntent, ["step": "push", "item": 0, "action": "history.push"])
    refused.at(
      3.1, .stepFailed,
      ["step": "push", "item": 0, "error": ["class": "conflict", "message": "the remote refused main"]])
    #expect(try published(refused).why == "the push failed: the remote refused main")
  }

  @Test func `a repository that only the report names is not clean because nobody looked`() throws {
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    story.at(
      0, .incidentOpened,
      ["kind": "x", "locations": [["key": "k", "repository": ["name": "acme/app"], "path": "a"]]])
    let one = try published(story)
    #expect(one.repository == "acme/app" && !one.isClean)
  }
}
