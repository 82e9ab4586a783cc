import Chronicle
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

  @Test func `a vault is left until it is shredded, and no other one goes with it`() throws {
    var story = base()
    let vaults = ["0a1b", "2c3d"].map {
      JSONValue.string("undo vault /m/.git/staunch/history/\($0)/vault: it keeps the history; fix: shred it")
    }
    story.effect(
      2, step: "rewrite", item: 0, action: "history.rewrite",
      outputs: ["commits": 7, "residual": .array(vaults)])
    story.at(
      3, .stepOutcome,
      [
        "step": "history.shred", "action": "history.shred", "phase": "perform",
        "outputs": ["repository": ["$repository": "models"], "backup": "0a1b"],
      ])
    #expect(try published(story).residual.map { JSONValue.string($0) } == [vaults[1]])
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

  @Test func `a remote beside the pushed one that holds it, or was not looked at, is not "clean"`() throws {
    var story = base()
    rewrite(&story, 2)
    push(&story, 4)
    let mirror = "remote mirror (/srv/mirror.git): holds it in 3 places; fix: staunch history push --live"
    story.at(
      5, .stepOutcome,
      [
        "step": "fresh_clone", "item": 0, "action": "history.verify", "phase": "read", "answer": "clean",
        "outputs": [
          "places": 0, "objects": 9, "remote": .string(Self.address), "elsewhere": [.string(mirror)],
          "again": "staunch history verify --remote origin",
        ],
      ])
    let one = try published(story)
    #expect(one.isClean == false)
    #expect(one.why == "remote mirror (/srv/mirror.git): holds it in 3 places")
    #expect(one.residual.last == mirror)
    #expect(one.again == "staunch history verify --remote origin")
    let record = IncidentRecord(of: "inc-7f3a91c2", in: story.events)
    #expect(Metrics(of: record, repositories: [], now: JournalStory.minute(9)).instants.clean.date == nil)
    scan(&story, 6, remote: Self.address)
    #expect(try published(story).isClean, "the later look is the one that counts")
  }

  private func search(_ story: inout JournalStory, _ minute: Double, places: Int) {
    story.at(
      minute, .stepOutcome,
      [
        "step": "history.scan", "item": 0, "action": "history.scan", "phase": "read",
        "answer": places == 0 ? "clean" : "found", "outputs": ["places": .integer(places)],
      ])
  }

  @Test func `clean, although a search of the repository found the value again`() throws {
    var story = base()
    rewrite(&story, 2)
    push(&story, 4)
    scan(&story, 5, remote: Self.address)
    search(&story, 6, places: 2)
    let one = try published(story)
    #expect(one.isClean == false)
    #expect(one.why.hasPrefix("found on this machine at 2026-11-24T03:06:00.000Z in 2 places"))
    scan(&story, 7, remote: Self.address)
    #expect(try published(story).isClean)
  }

  @Test func `a file of the work tree is left, although a later search no longer found it`() throws {
    var story = base()
    let file = "work tree: .env:1: a file that a rewrite leaves as it is holds the secret; fix: edit it"
    let forks = "forks and other clones of the repository: each is a copy of its own; fix: tell their owners"
    story.effect(
      2, step: "rewrite", item: 0, action: "history.rewrite",
      outputs: ["commits": 7, "residual": [.string(file), .string(forks)]])
    #expect(try published(story).residual == [file, forks])
    search(&story, 3, places: 1)
    #expect(try published(story).residual == [file, forks])
    search(&story, 4, places: 0)
    #expect(try published(story).residual == [forks])
    #expect(try published(story).settled == [file])
    search(&story, 5, places: 1)
    #expect(try published(story).residual == [file, forks], "the latest search is the one that counts")
    story.at(
      6, .stepVerified,
      ["step": "rewrite", "item": 0, "action": "history.scan", "expect": "clean", "result": "clean"])
    #expect(try published(story).residual == [forks])
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
    // What was scanned clean was seen again.
    #expect(try status().stillAtTheForge.map(\.repository) == ["models", "acme/legacy", "acme/later"])
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
    var unsaid = story
    unsaid.effect(6, step: "rewrite", item: 0, action: "history.rewrite", outputs: ["commits": 0])
    #expect(try published(unsaid).isClean == false)
    // Another one that finds nothing does not undo that the one before did.
    silent.effect(7, step: "rewrite", item: 0, action: "history.rewrite", outputs: ["commits": 0, "refs": 0])
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

  private static let first: SecretRef = "inc-7f3a91c2/leaked"
  private static let second: SecretRef = "inc-7f3a91c2/leaked-0a1b2c3d4e5f6071"

  /// A report of places, each `key: repository`, with the values that it brought.
  private func report(_ places: KeyValuePairs<String, String?>, _ values: SecretRef...) -> JSONValue {
    [
      "key": "k",
      "locations": .array(
        places.map { place in
          var members: [String: JSONValue] = ["key": .string(place.key), "place": "commit", "path": "a"]
          if let name = place.value { members["repository"] = ["name": .string(name)] }
          return .object(members)
        }),
      "values": .array(
        values.map { ["ref": .string($0.rawValue), "fingerprint": .string("s1:0a1b2c3d:\($0)")] }),
    ]
  }

  /// Reported in acme/models and acme/data, which staunch.yaml calls by their last names; both were cleaned for one value.
  private func cleaned(secrets: [SecretRef]? = [PublishedHistoryTests.first]) -> JournalStory {
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    story.at(0, .incidentOpened, report(["a": "acme/models", "b": "acme/data"], Self.first))
    var plan: [String: JSONValue] = [
      "plan": "plan-1", "digest": "d", "run": "run-1", "repositories": ["models", "data"], "unlisted": [],
    ]
    plan["secrets"] = secrets.map { .array($0.map { .string($0.rawValue) }) }
    story.at(1, .planSaved, .object(plan))
    story.about("inc-7f3a91c2", run: "run-1")
    for item in 0...1 {
      story.effect(2, step: "rewrite", item: item, action: "history.rewrite", outputs: ["commits": 7])
      story.effect(3, step: "push", item: item, action: "history.push")
      story.at(
        4, .stepOutcome,
        [
          "step": "fresh_clone", "item": .integer(item), "action": "history.verify", "phase": "read",
          "answer": "clean", "outputs": ["places": 0, "objects": 9, "remote": .string(Self.address)],
        ])
    }
    story.about("inc-7f3a91c2")
    return story
  }

  private func still(_ story: JournalStory) -> [RepositoryName] {
    IncidentRecord(of: "inc-7f3a91c2", in: story.events).published.filter { !$0.isClean }.map(\.repository)
  }

  @Test func `clean, although another value was reported after the clone was scanned`() throws {
    for secrets in [[Self.first], nil] {
      var story = cleaned(secrets: secrets)
      #expect(still(story) == [])
      story.at(6, .incidentState, ["state": "closed", "reason": "over"])
      story.at(7, .incidentUpdated, report(["a": "acme/models"], Self.second))
      #expect(still(story) == ["models", "data"])
      let why = try published(story).why
      #expect(why == "value 2 was never scanned for in a fresh clone of the remote")
      let record = IncidentRecord(of: "inc-7f3a91c2", in: story.events)
      #expect(Metrics(of: record, repositories: [], now: JournalStory.minute(9)).instants.clean.date == nil)
    }
  }

  @Test func `clean for every value, although the scan was of a plan or command that named one`() throws {
    func scan(_ names: [SecretRef]) -> JSONValue {
      [
        "step": "history.verify", "action": "history.verify", "phase": "read", "answer": "clean",
        "values": .array(names.map { .string($0.rawValue) }),
        "outputs": [
          "repository": ["$repository": "models"], "places": 0, "objects": 9, "remote": .string(Self.address),
        ],
      ]
    }
    var story = cleaned()
    story.at(7, .incidentUpdated, report(["a": "acme/models"], Self.second))
    story.at(8, .stepOutcome, scan([Self.first]))
    #expect(still(story) == ["models", "data"])
    story.at(9, .stepOutcome, scan([Self.first, Self.second]))
    #expect(still(story) == ["data"])
  }

  @Test func `clean, although the same value was reported in a new place after the clone was scanned`() throws
  {
    var story = cleaned()
    var known = story
    known.at(7, .incidentUpdated, report(["a": "acme/models"]))
    #expect(still(known) == ["models"], "a place that was known when the clone was scanned was seen again")
    var nowhere = story
    nowhere.at(7, .incidentUpdated, report(["c": nil]))
    #expect(still(nowhere) == ["models", "data"], "a report that names no repository may be of any")
    story.at(7, .incidentUpdated, report(["c": "acme/data"]))
    #expect(still(story) == ["data"])
    let status = try #require(IncidentStatus.derive(events: story.events, now: JournalStory.minute(9)).first)
    #expect(status.stillAtTheForge.first?.why.hasPrefix("reported again at 2026-11-24T03:07:00.000Z") == true)
    story.about("inc-7f3a91c2", run: "run-1")
    scan(&story, 8, remote: Self.address)
    #expect(still(story) == ["data"], "a clone of another repository says nothing of it")
  }

  /// No entry of staunch.yaml says which clone is which: what was looked at by hand cannot be both.
  @Test func `clean, although nobody looked into another repository that was reported`() throws {
    func byHand(_ story: inout JournalStory, _ minute: Double, _ name: String) {
      story.at(
        minute, .stepOutcome,
        [
          "step": "history.verify", "action": "history.verify", "phase": "read", "answer": "clean",
          "values": [.string(Self.first.rawValue)],
          "outputs": [
            "repository": ["$repository": .string(name)], "places": 0, "objects": 9,
            "remote": .string(Self.address),
          ],
        ])
    }
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    story.at(0, .incidentOpened, report(["a": "acme/app", "b": "acme/web", "c": "app"], Self.first))
    story.at(1, .planSaved, ["plan": "plan-1", "digest": "d", "run": "run-1", "repositories": []])
    #expect(still(story) == ["acme/app", "acme/web", "app"])
    byHand(&story, 2, "acme/app")
    #expect(still(story) == ["acme/web"])
    var otherwise = story
    byHand(&story, 3, "acme/web")
    #expect(still(story) == [])
    byHand(&otherwise, 3, "checkout")
    #expect(still(otherwise) == [], "a clone in a directory of another name may be the one that is left")
    var alike = JournalStory()
    alike.about("inc-7f3a91c2")
    alike.at(0, .incidentOpened, report(["a": "acme/app", "b": "other/app"], Self.first))
    byHand(&alike, 2, "acme/app")
    #expect(still(alike) == ["other/app"])
  }

  @Test func `clean, although a scanner has seen the same place again since`() throws {
    func seen(_ names: [String], unnamed: Bool = false) -> JSONValue {
      [
        "seen": [
          "source": ["gitleaks"], "validity": "not_checked", "places": 1,
          "repositories": .array(names.map { .string($0) }), "unnamed": .boolean(unnamed),
        ]
      ]
    }
    var story = cleaned()
    var nowhere = story
    nowhere.at(7, .incidentUpdated, seen([], unnamed: true))
    #expect(still(nowhere) == ["models", "data"])
    story.at(7, .incidentUpdated, seen(["acme/models"]))
    #expect(still(story) == ["models"])
    #expect(
      try published(story).why
        == "reported again at 2026-11-24T03:07:00.000Z, and no fresh clone of the remote was scanned since")
    story.about("inc-7f3a91c2", run: "run-1")
    scan(&story, 8, remote: Self.address)
    #expect(still(story) == [])
  }

  @Test func `clean, although the incident was opened again because a known place is back`() throws {
    var story = cleaned()
    story.at(6, .incidentState, ["state": "closed", "reason": "over"])
    story.at(7, .incidentState, ["state": "open", "reason": "the secret was found again"])
    story.at(7, .incidentUpdated, report(["a": "acme/models"]))
    #expect(still(story) == ["models"])
    story.about("inc-7f3a91c2", run: "run-1")
    scan(&story, 8, remote: Self.address)
    #expect(still(story) == [])
  }
}
