import Capabilities
import Incidents
import Playbooks
import Testing

@Suite struct PlaybookLibraryTests {
  private func file(_ id: String, title: String) -> PlaybookLibrary.File {
    PlaybookLibrary.File(
      name: "dir/\(id).yaml",
      text: "playbook: 1\nid: \(id)\ntitle: \(title)\nsteps: [{id: a, manual: Do it}]\n")
  }

  @Test func `The user's file stands in for the built-in one of the same name`() throws {
    let library = PlaybookLibrary(
      builtin: [file("one", title: "Built in"), file("two", title: "Built in")],
      own: [file("one", title: "Own"), file("three", title: "Own")])
    #expect(library.ids == ["one", "three", "two"])
    #expect(try library.load("one", catalogue: []).title == "Own")
    #expect(try library.load("two", catalogue: []).title == "Built in")
    #expect(library.origin(of: "one") == .override)
    #expect(library.origin(of: "two") == .builtin)
    #expect(library.origin(of: "three") == .user)
    #expect(library.origin(of: "four") == nil)
  }

  @Test func `A file whose name is not its id is refused, so that nobody runs another playbook than meant`() {
    let library = PlaybookLibrary(
      builtin: [], own: [PlaybookLibrary.File(name: "dir/safe.yaml", text: file("wild", title: "W").text)])
    let error = #expect(throws: PlaybookError.self) { try library.load("safe", catalogue: []) }
    #expect(
      error?.description
        == "dir/safe.yaml:2:1: error: the file holds the playbook \"wild\", and is looked for by its name, \"safe\" [PB006]\n  fix: rename the file to wild.yaml, or write id: safe"
    )
  }

  @Test func `A playbook that is not there is refused with the nearest name`() {
    let error = #expect(throws: PlaybookError.self) {
      try PlaybookLibrary.builtIn.load("generic-secrets", catalogue: ActionSignature.builtin)
    }
    #expect(
      error?.description
        == "generic-secrets:1:1: error: there is no playbook \"generic-secrets\" [PB015]\n  fix: did you mean \"generic-secret\"?"
    )
  }

  @Test func `A playbook is pinned by the SHA-256 of its text`() throws {
    let one = try PlaybookLibrary(builtin: [file("one", title: "A")]).load("one", catalogue: [])
    #expect(one.source.sha256 == Playbook.digest(of: file("one", title: "A").text))
    // The digest of "abc" from FIPS 180-4, example B.1.
    #expect(
      Playbook.digest(of: "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }
}
