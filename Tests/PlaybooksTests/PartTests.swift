import BuiltinContent
import Capabilities
import Incidents
import PlaybookTools
import Playbooks
import TestSupport
import Testing

/// `include:`: playbooks share steps, and every id, name and place stays what it would be without.
@Suite struct PartTests {
  private static let look = """
    part: 1
    id: look
    title: Look
    inputs: {c: {type: credential}, extra: {type: string, default: x}}
    steps:
      - {id: dead, uses: credential.verify, with: {credential: "${{ inputs.c }}", secret: "${{ inputs.leaked }}"}}
      - {id: tell, when: steps.dead.state == 'dead', manual: "${{ inputs.extra }}", timeout: 1h}
    finally:
      - {id: last, manual: Bye, timeout: 1h}
    """

  private func library(_ parts: (name: String, text: String)...) -> PlaybookLibrary {
    PlaybookLibrary(
      builtin: [], parts: parts.map { PlaybookLibrary.File(name: "parts/\($0.name).yaml", text: $0.text) })
  }

  private static let outer = Samples.playbook(
    steps: """
          - {id: first, manual: Begin, timeout: 1h}
          - include: look
          - {id: then, when: steps.dead.state == 'alive', manual: Go on, timeout: 1h}
      finally:
        - {id: own, manual: Tidy up, timeout: 1h}
      """)

  @Test func `A part's steps stand in the place of the entry, under their own ids`() throws {
    let playbook = try Samples.load(Self.outer, includes: library(("look", Self.look)))
    #expect(playbook.steps.map(\.id.rawValue) == ["first", "dead", "tell", "then"])
    #expect(playbook.finally.map(\.id.rawValue) == ["own", "last"])
    #expect(
      playbook.steps.map(\.position.file) == ["p.yaml", "parts/look.yaml", "parts/look.yaml", "p.yaml"])
    #expect(playbook.steps[1].position.line == 6)
    #expect(playbook.inputs.map(\.name).last == "extra")
    #expect(playbook.inputs.filter { $0.name == "c" }.map(\.position.file) == ["p.yaml"])
  }

  @Test func `A part is pinned with the playbook`() throws {
    let playbook = try Samples.load(Self.outer, includes: library(("look", Self.look)))
    #expect(playbook.pins.map(\.id.rawValue) == ["parts/look", "sample"])
    #expect(playbook.pins[0].sha256 == Playbook.digest(of: Self.look))
    let pinned = Self.outer.replacing(
      "include: look", with: "include: {id: look, sha256: \(Playbook.digest(of: Self.look))}")
    #expect(Samples.complaints(pinned, includes: library(("look", Self.look))) == [])
    let changed = Self.look.replacing("Bye", with: "Good bye")
    let complaints = Samples.complaints(pinned, includes: library(("look", changed)))
    #expect(complaints.contains { $0.contains("the part \"look\" changed") }, "\(complaints)")
  }

  @Test func `What is wrong in a part is named in its own file, also by the linter`() throws {
    let wrong = Self.look.replacing("steps.dead.state == 'dead'", with: "steps.daed.state == 'dead'")
    let complaints = Samples.complaints(Self.outer, includes: library(("look", wrong)))
    #expect(complaints.count == 1)
    #expect(complaints.first?.hasPrefix("parts/look.yaml:7:") == true, "\(complaints)")
    let endless = Self.look.replacing("manual: Bye, timeout: 1h", with: "manual: Bye")
    let found = Linter.diagnostics(
      of: try Samples.load(Self.outer, includes: library(("look", endless)))
    ).filter { $0.rule == .missingDeadline }
    #expect(found.map { "\($0.position.file):\($0.position.line)" } == ["parts/look.yaml:9"])
  }

  @Test(arguments: [
    ("include: look", "include: lok", "there is no part \"lok\""),
    ("include: look", "{include: look, when: true}", "unknown key \"when\" in \"inclusion\""),
    (
      "- include: look", "- include: look\n    - include: look",
      "the part \"look\" stands in this playbook already"
    ),
    ("- include: look", "- {id: g, parallel: [{include: look}]}", "a part cannot be included here"),
    ("id: first", "id: tell", "the id \"tell\" is used twice"),
  ])
  func `An inclusion that cannot be is refused`(old: String, new: String, message: String) {
    let source = Self.outer.replacing(old, with: new, maxReplacements: 1)
    let complaints = Samples.complaints(source, includes: library(("look", Self.look)))
    #expect(complaints.contains { $0.contains(message) }, "\(complaints)")
  }

  @Test func `A part that includes itself, or has another name or version, is refused`() {
    let circle = Self.look.replacing("finally:", with: "  - include: look\nfinally:")
    for (part, message) in [
      (circle, "stands in this playbook already"),
      (Self.look.replacing("id: look", with: "id: see"), "the file holds the part \"see\""),
      (Self.look.replacing("part: 1", with: "part: 2"), "this is no part of version 1"),
      (Self.look.replacing("part: 1", with: "playbook: 1"), "this is no part of version 1"),
      (
        Self.look.replacing("c: {type: credential}", with: "c: {type: store}"),
        "takes the input \"c\" as store"
      ),
    ] {
      let complaints = Samples.complaints(Self.outer, includes: library(("look", part)))
      #expect(complaints.contains { $0.contains(message) }, "\(message): \(complaints)")
    }
    #expect(
      Samples.complaints(Self.look).first?.contains("it is judged in the playbooks that include it") == true)
  }

  @Test func `A part may include another, and the user's part stands in for the built-in one`() throws {
    let nested =
      "part: 1\nid: outer\ntitle: O\nsteps:\n  - include: look\n  - {id: more, manual: M, timeout: 1h}\n"
    let library = PlaybookLibrary(
      builtin: [],
      parts: [
        PlaybookLibrary.File(
          name: "own/parts/look.yaml",
          text: Self.look.replacing("id: dead", with: "id: died")
            .replacing("steps.dead", with: "steps.died")),
        PlaybookLibrary.File(name: "parts/look.yaml", text: Self.look),
        PlaybookLibrary.File(name: "parts/outer.yaml", text: nested),
      ])
    let source = Self.outer.replacing("include: look", with: "include: outer")
      .replacing("steps.dead", with: "steps.died")
    let playbook = try Samples.load(source, includes: library)
    #expect(playbook.steps.map(\.id.rawValue) == ["first", "died", "tell", "more", "then"])
    #expect(playbook.pins.map(\.file) == ["own/parts/look.yaml", "parts/outer.yaml", "p.yaml"])
  }

  @Test func `The parts of a sub-playbook are pinned too, and its ids are prefixed as ever`() throws {
    let inner = """
      playbook: 1
      id: inner
      title: Inner
      inputs: {leaked: {type: secret}}
      steps:
        - include: look
      """
    let library = PlaybookLibrary(
      builtin: [PlaybookLibrary.File(name: "inner.yaml", text: inner)],
      parts: [PlaybookLibrary.File(name: "parts/look.yaml", text: Self.look)])
    let source = Samples.playbook(
      steps: """
            - {id: sub, playbook: inner, with: {c: "${{ inputs.c }}", leaked: "${{ inputs.leaked }}"}}
        """)
    let playbook = try Samples.load(source, includes: library)
    #expect(playbook.allSteps.map(\.id.rawValue) == ["sub", "sub.dead", "sub.tell", "sub.last"])
    #expect(playbook.pins.map(\.id.rawValue) == ["inner", "parts/look", "sample"])
  }

  @Test(arguments: PlaybookLibrary.builtIn.ids)
  func `Built-in playbooks hold what is theirs: what they share is a part`(_ id: PlaybookID) throws {
    let playbook = try PlaybookLibrary.builtIn.load(id, catalogue: ActionSignature.builtin)
    #expect(playbook.parts.contains { $0.id == "parts/history" })
    let own = playbook.allSteps.filter { $0.position.file == playbook.source.file }
    #expect(own.count < playbook.allSteps.count)
    #expect(!own.contains { ["rewrite", "push", "fresh_clone", "postmortem"].contains($0.id.rawValue) })
  }

  @Test func `Every built-in part is used`() throws {
    let used = try PlaybookLibrary.builtIn.ids.flatMap {
      try PlaybookLibrary.builtIn.load($0, catalogue: ActionSignature.builtin).parts.map(\.file)
    }
    #expect(Set(used) == Set(BuiltinContent.parts.map(\.path)))
  }
}
