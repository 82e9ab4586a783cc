import Foundation
import GitObjects
import Testing

/// Objects that Git accepts and typed interfaces destroy: only what has to change may change.
@Suite struct OddObjectsTests {
  /// Headers and messages that stand behind `tree` and `parent`; `§` stands for the secret.
  static let commits: [(name: String, text: String)] = [
    ("a bracket in the author's name", "author A < B <a@b> 1 +0000\ncommitter C <c@d> 1 +0000\n\nm §\n"),
    ("an author without e-mail", "author Nobody 1 +0000\ncommitter C <c@d> 1 +0000\n\nm §\n"),
    ("two authors", "author A <a@b> 1 +0000\nauthor B <b@b> 1 +0000\ncommitter C <c@d> 1 +0000\n\nm §\n"),
    (
      "unknown headers",
      "author A <a@b> 1 +0000\ncommitter C <c@d> 1 +0000\nx-odd  two  spaces \n more\n\n§\n"
    ),
    ("a negative date", "author A <a@b> -7 +0000\ncommitter C <c@d> -7 -9999\n\n§\n"),
    ("a padded date", "author A <a@b> 0000000012 +051800\ncommitter C <c@d> 1 +0000\n\n§\n"),
    ("latin-1", "author J\u{E9} <a@b> 1 +0000\ncommitter C <c@d> 1 +0000\nencoding ISO-8859-1\n\n\u{E9} §\n"),
    ("NUL in the message", "author A <a@b> 1 +0000\ncommitter C <c@d> 1 +0000\n\na\u{0}b §\n"),
    ("blank lines first", "author A <a@b> 1 +0000\ncommitter C <c@d> 1 +0000\n\n\n\n  § \n\n\n"),
    ("no line feed at the end", "author A <a@b> 1 +0000\ncommitter C <c@d> 1 +0000\n\n§"),
    ("carriage returns", "author A <a@b> 1 +0000\ncommitter C <c@d> 1 +0000\n\na §\r\nb\r\n"),
  ]

  private static func bytes(_ text: String, secret: String) -> [UInt8] {
    text.unicodeScalars.flatMap { $0 == "§" ? Array(secret.utf8) : [UInt8(truncatingIfNeeded: $0.value)] }
  }

  @Test(arguments: commits)
  func `only the secret changes in a commit with`(name: String, text: String) throws {
    let sandbox = try GitSandbox()
    let tree = try sandbox.write(.tree, [])
    let start = "tree \(tree)\n"
    let id = try sandbox.write(.commit, Self.bytes(start + text, secret: leaked))
    try sandbox.git("update-ref", "refs/heads/odd", id.hex)
    let outcome = try sandbox.rewrite(try patterns(leaked))
    let new = try #require(outcome.commits[id])
    #expect(try sandbox.objects().read(new).content == Self.bytes(start + text, secret: "***REMOVED***"))
  }

  @Test(arguments: commits)
  func `a clean commit keeps its id although another is rewritten, with`(name: String, text: String) throws {
    let sandbox = try GitSandbox()
    let tree = try sandbox.write(.tree, [])
    let id = try sandbox.write(.commit, Self.bytes("tree \(tree)\n" + text, secret: "nothing"))
    try sandbox.git("update-ref", "refs/heads/odd", id.hex)
    try sandbox.commit("leak", ["f": leaked])
    let outcome = try sandbox.rewrite(try patterns(leaked))
    #expect(outcome.fate(of: id) == .unchanged)
    #expect(outcome.commits.count == 1)
    #expect(try sandbox.objects().contains(id))
  }

  @Test func `what stands behind the last entry of a tree is searched`() throws {
    let sandbox = try GitSandbox()
    let blob = try sandbox.write(.blob, [1])
    let id = try sandbox.write(.tree, Array("100644 f\0".utf8) + blob.bytes + Array("rest \(leaked)".utf8))
    let hits = try sandbox.scan(try patterns(leaked))
    #expect(hits.map(\.object) == [id])
  }

  @Test func `signatures go with the bytes that they signed, and only there`() throws {
    let sandbox = try GitSandbox()
    let blob = try sandbox.write(.blob, Array(leaked.utf8))
    let tree = try sandbox.write(.tree, Array("100644 f\0".utf8) + blob.bytes)
    let empty = try sandbox.write(.tree, [])
    let people = "author A <a@b> 1 +0000\ncommitter C <c@d> 1 +0000\n"
    let signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n"
    let clean = try sandbox.write(.commit, Array("tree \(empty)\n\(people)\(signature)\nclean\n".utf8))
    let dirty = try sandbox.write(
      .commit, Array("tree \(tree)\nparent \(clean)\n\(people)\(signature)x-after kept\n\nm\n".utf8))
    try sandbox.git("update-ref", "refs/heads/signed", dirty.hex)
    let outcome = try sandbox.rewrite(try patterns(leaked))
    #expect(outcome.fate(of: clean) == .unchanged)
    #expect(outcome.signaturesDropped == [dirty])
    let new = try #require(outcome.commits[dirty])
    let text = String(decoding: try sandbox.objects().read(new).content, as: UTF8.self)
    #expect(text.hasSuffix("parent \(clean)\n\(people)x-after kept\n\nm\n"))
  }

  @Test func `the signature of a tag goes when its target moves`() throws {
    let sandbox = try GitSandbox()
    let commit = try sandbox.commit("leak", ["f": leaked])
    let body = "object \(commit)\ntype commit\ntag another-name\n\nmessage\n"
    let signature = "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
    let tag = try sandbox.write(.tag, Array((body + signature).utf8))  // without tagger
    try sandbox.git("update-ref", "refs/tags/v1", tag.hex)
    let outcome = try sandbox.rewrite(try patterns(leaked))
    let newCommit = try #require(outcome.commits[commit])
    let new = try #require(outcome.tags[tag])
    #expect(
      String(decoding: try sandbox.objects().read(new).content, as: UTF8.self)
        == body.replacingOccurrences(of: commit.hex, with: newCommit.hex))
    #expect(outcome.signaturesDropped.contains(tag))
  }

  @Test func `odd trees are patched in place: duplicates, wrong order, old modes, empty subtrees`() throws {
    let sandbox = try GitSandbox()
    let dirty = try sandbox.write(.blob, Array(leaked.utf8))
    let clean = try sandbox.write(.blob, Array("clean".utf8))
    let empty = try sandbox.write(.tree, [])
    func tree(_ blob: ObjectID) -> [UInt8] {
      let entries: [(String, ObjectID)] = [
        ("100644 z", clean), ("100664 b", blob), ("100644 b", clean), ("040000 sub", empty),
        ("100755 a", blob),
        ("120000 link", clean),
      ]
      return entries.flatMap { Array($0.0.utf8) + [0] + $0.1.bytes }
    }
    let old = try sandbox.write(.tree, tree(dirty))
    try sandbox.git("update-ref", "refs/tags/odd-tree", old.hex)
    let outcome = try sandbox.rewrite(try patterns(leaked))
    let new = try #require(outcome.trees[old])
    let blob = try #require(outcome.blobs[dirty])
    #expect(try sandbox.objects().read(new).content == tree(blob))
  }

  @Test func `a broken tree and a broken commit do not stop the scan`() throws {
    let sandbox = try GitSandbox()
    _ = try sandbox.write(.tree, Array("100644 truncated\0abc".utf8))
    _ = try sandbox.write(.commit, Array("tree nonsense\n\n\(leaked)".utf8))
    _ = try sandbox.write(.tag, Array(leaked.utf8))
    let hits = try sandbox.scan(try patterns(leaked))
    #expect(hits.filter { $0.kind == .commit }.count == 1)
  }
}
