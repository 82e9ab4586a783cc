import Chronicle
import Foundation
import Incidents
import JSON
import TestSupport
import Testing

/// Copies outside of Git stand in an incident until a search of their place for every value misses them.
@Suite struct KeptCopiesTests {
  private func story() -> JournalStory {
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    story.at(
      0, .incidentOpened,
      [
        "kind": "aws_access_key", "codename": "quiet-heron",
        "values": [["ref": "inc-7f3a91c2/leaked", "fingerprint": "f1"]],
      ])
    story.at(0, .secretSealed, ["key": "inc-7f3a91c2/leaked"])
    return story
  }

  private func search(
    _ story: inout JournalStory, _ minute: Double, _ places: [JSONValue], roots: [JSONValue] = ["/home/dev"],
    left: [JSONValue] = [], further: Int = 0, values: [JSONValue] = ["inc-7f3a91c2/leaked"]
  ) {
    story.at(
      minute, .stepOutcome,
      [
        "step": "credential.locate", "attempt": 1, "action": "credential.locate", "phase": "read",
        "answer": places.isEmpty ? "clean" : "found", "values": .array(values),
        "outputs": [
          "roots": .array(roots), "places": .array(places), "not_searched": .array(left),
          "further_places": .integer(further), "further_not_searched": 0,
        ],
      ])
  }

  private static let history: JSONValue = [
    "path": "/home/dev/.bash_history", "line": 7, "kind": "shell history",
  ]
  private static let state: JSONValue = [
    "path": "/home/dev/tf/terraform.tfstate", "line": .null, "kind": "Terraform state",
    "address": "aws_iam_access_key.ci", "attribute": "secret", "trap": "apply makes it Active again",
  ]

  private func copies(_ story: JournalStory) -> KeptCopies {
    IncidentRecord(of: "inc-7f3a91c2", in: story.events).keptCopies
  }

  @Test func `what a search finds is kept, with its trap, and found twice it is one copy`() {
    var story = story()
    search(&story, 1, [Self.history, Self.state])
    search(&story, 2, [Self.history, Self.state])
    let copies = copies(story)
    #expect(
      copies.copies.map(\.text) == [
        "/home/dev/.bash_history:7", "/home/dev/tf/terraform.tfstate  aws_iam_access_key.ci  secret",
      ])
    #expect(copies.traps == ["apply makes it Active again"])
    #expect(
      copies.again(of: "inc-7f3a91c2") == "staunch credential locate /home/dev --incident inc-7f3a91c2")
    let status = IncidentStatus.derive(events: story.events, now: JournalStory.minute(9)).first
    #expect(status?.copies == copies)
    #expect(status?.json["copies"]?.array?.count == 2)
  }

  @Test func `a later search of the place takes away what is gone, and nothing else`() {
    var story = story()
    search(&story, 1, [Self.history, Self.state])
    search(&story, 2, [], roots: ["/home/developer"])
    #expect(copies(story).count == 2)
    search(&story, 3, [], roots: ["/home/dev/tf"])
    #expect(copies(story).copies.map(\.kind) == ["shell history"])
    search(&story, 4, [])
    #expect(copies(story).isEmpty)
  }

  @Test func `a search that left the place out, or looked for another value, takes nothing away`() {
    var story = story()
    search(&story, 1, [Self.history], further: 3)
    #expect(copies(story).count == 4)
    search(&story, 2, [], left: ["/home/dev/.bash_history"])
    search(&story, 3, [], values: ["inc-7f3a91c2/leaked-f2"])
    #expect(copies(story).count == 4)
    search(&story, 4, [])
    #expect(copies(story).isEmpty)
  }

  @Test func `a bucket is searched by how keys begin`() {
    var story = story()
    let former: JSONValue = [
      "path": "s3://states/prod/a.tfstate (version v1, former)", "kind": "Terraform state",
    ]
    search(&story, 1, [former], roots: ["s3://states/prod/"])
    #expect(
      copies(story).again(of: "inc-7f3a91c2")
        == "staunch credential locate s3://states/prod/ --incident inc-7f3a91c2")
    search(&story, 2, [], roots: ["s3://states/prod/b"])
    search(&story, 3, [], roots: ["s3://states/"], left: ["s3://states/prod/a.tfstate (version v1, former)"])
    #expect(copies(story).count == 1)
    search(&story, 4, [], roots: ["s3://states/pro"])
    #expect(copies(story).isEmpty)
  }

  /// A tag that is moved to a clean image leaves the manifest, and its layers, where they are.
  @Test func `an image's copy is gone with its manifest, not when a tag is moved away`() {
    var story = story()
    let image = "docker://registry.example/app"
    let layer: JSONValue = [
      "path": .string("\(image)@sha256:aa/blobs/sha256/bb (tag 1)!app/.env"), "kind": "image layer",
    ]
    search(&story, 1, [layer], roots: [.string("\(image):1")])
    #expect(
      copies(story).again(of: "inc-7f3a91c2")
        == "staunch credential locate \(image)@sha256:aa --incident inc-7f3a91c2")
    search(&story, 2, [], roots: [.string("\(image):1")])
    // Every tag, and not what has none.
    search(&story, 3, [], roots: [.string(image)], left: [.string(image)])
    #expect(copies(story).count == 1)
    search(&story, 4, [], roots: [.string("\(image)@sha256:aa")])
    #expect(copies(story).isEmpty)
  }
}
