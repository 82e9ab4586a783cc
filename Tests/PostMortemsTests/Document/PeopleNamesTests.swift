import Testing

@testable import PostMortems

@Suite("People's names")
struct PeopleNamesTests {
  private let people = PeopleNames(["Ada Example", "ada@example.org", "mwill", "Will Grant"])

  @Test(
    "names, logins, addresses and handles are found; words and paths are not",
    arguments: [
      ("Ada Example wrote it", ["Ada Example"]), ("ada EXAMPLE wrote it", ["ada EXAMPLE"]),
      ("Ada wrote it", ["Ada"]),
      ("write to ada@example.org now", ["ada@example.org"]), ("x@y.org", ["x@y.org"]),
      ("ask @octocat", ["@octocat"]),
      ("mwill pushed", ["mwill"]), ("Adamant", []), ("Will it hold? Grant access", []),
      ("git@host.org:a/b", []),
      ("@scope/name in path/@scope", []), ("Will Grant approved", ["Will Grant"]),
    ])
  func finds(text: String, expected: [String]) {
    #expect(people.ranges(in: text).map { String(text[$0]) } == expected)
  }

  @Test("a role stands in the place of a person")
  func replaces() {
    #expect(people.replaced(in: "Ada Example and @x") == "[contributor] and [contributor]")
  }
}
