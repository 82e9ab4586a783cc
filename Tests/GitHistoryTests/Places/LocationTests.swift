import Capabilities
import Foundation
import GitObjects
import Secrets
import TestSupport
import Testing

@testable import GitHistory

/// Where a scan says that something stands, against what `git` itself answers for each object on its own.
@Suite struct LocationTests {
  /// What git says of one object.
  private struct Place {
    /// Commits that a reference leads to and that hold the object, with its paths there.
    var holders: [String: Set<String>] = [:]
    var references: Set<String> = []
  }

  /// A random history with merges, tags of tags, a second root that is merged in, and references to a tree, a blob and a
  /// tag of a blob; and copies of the secret that no reference leads to.
  private static func history(_ path: String, seed: UInt64) throws -> Git {
    let git = try Git(creating: path, bare: true)
    var history = RandomHistory(seed: seed)
    try history.make(git, commits: 40)
    let blob = try git(["hash-object", "-w", "--stdin"], input: Array("alone \(leaked)\n".utf8))
    let tree = try git(["mktree"], input: Array("100644 blob \(blob)\tin a tree\n".utf8))
    let root = try git("commit-tree", "-m", "another root, \(leaked)", tree)
    let merge = try git("commit-tree", "-m", "of both", "-p", root, "-p", "b1", "\(root)^{tree}")
    try git("update-ref", "refs/heads/unrelated", merge)
    try git("update-ref", "refs/odd/tree", tree)
    try git("update-ref", "refs/odd/blob", blob)
    try git("tag", "-a", "-m", "a blob's", "of-blob", blob)
    let lost = try git(["hash-object", "-w", "--stdin"], input: Array("lost \(leaked)\n".utf8))
    _ = try git(["mktree"], input: Array("100644 blob \(lost)\tlost\n".utf8))
    if seed % 2 == 0 { try git("repack", "-q", "-a", "-d", "-k", "-f", "--window=50") }
    return git
  }

  /// The naive way: every commit's files, and for every commit the references that contain it.
  private static func places(_ git: Git) throws -> [String: Place] {
    var places: [String: Place] = [:]
    func add(_ object: String, _ commit: String, _ path: String) {
      places[object, default: Place()].holders[commit, default: []].insert(path)
    }
    for commit in try git("rev-list", "--all").split(separator: "\n").map(String.init) {
      let references = try git("for-each-ref", "--contains", commit, "--format=%(refname)")
      let names = Set(references.split(separator: "\n").map(String.init))
      add(commit, commit, "")
      add(try git("rev-parse", "\(commit)^{tree}"), commit, "")
      for (id, path) in try files(git, commit) { add(id, commit, path) }
      for (id, place) in places where place.holders[commit] != nil {
        places[id, default: Place()].references.formUnion(names)
      }
    }
    let format = "--format=%(refname) %(objectname) %(objecttype)"
    for line in try git("for-each-ref", format).split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      var (id, kind) = (words[1], words[2])
      while kind == "tag" {
        places[id, default: Place()].references.insert(words[0])
        id = String(try git("cat-file", "tag", id).split(separator: "\n")[0].dropFirst(7))
        kind = try git("cat-file", "-t", id)
      }
      if kind == "commit" { continue }
      places[id, default: Place()].references.insert(words[0])
      guard kind == "tree" else { continue }
      for (file, _) in try files(git, id) { places[file, default: Place()].references.insert(words[0]) }
    }
    return places
  }

  /// Every commit that a reference leads to, with all that it comes from.
  private static func ancestors(_ git: Git) throws -> [String: Set<String>] {
    var found: [String: Set<String>] = [:]
    for line in try git("rev-list", "--all", "--topo-order", "--reverse", "--parents").split(separator: "\n")
    {
      let ids = line.split(separator: " ").map(String.init)
      found[ids[0]] = ids.dropFirst().reduce(into: []) { $0.formUnion((found[$1] ?? []).union([$1])) }
    }
    return found
  }

  private static func files(_ git: Git, _ tree: String) throws -> [(id: String, path: String)] {
    try git("ls-tree", "-r", "-t", "-z", tree).split(separator: "\0").map { line in
      let parts = line.split(separator: "\t", maxSplits: 1)
      return (String(parts[0].split(separator: " ")[2]), String(parts[1]))
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func `References, path, first and last commit of every place are those that git names for it alone`(
    seed: UInt64
  ) async throws {
    let directory = try TemporaryDirectory()
    let git = try LocationTests.history(directory.path("r"), seed: seed)
    let expected = try LocationTests.places(git)
    let ancestors = try LocationTests.ancestors(git)
    let report = try await Purge(git.path).rewriter.scanReport(
      repository: git.path, patterns: try SecretPatterns(secrets: [Secret(leaked)]), progress: Silent())
    let found = report.findings.filter { $0.pattern != nil }
    let kinds = Set(found.map(\.place.place))
    #expect(kinds.isSuperset(of: ["blob", "commit message"]) && found.contains { $0.isUnreachable })
    for finding in found {
      let place = expected[finding.place.object] ?? Place()
      #expect(Set(finding.place.refs) == place.references, "\(finding.place)")
      #expect(finding.isUnreachable == place.references.isEmpty)
      guard let first = finding.firstCommit, let last = finding.lastCommit else {
        #expect(place.holders.isEmpty && finding.lastCommit == nil, "\(finding.place)")
        continue
      }
      // The order of history has parents first: nothing before the first holds it, and nothing after the last.
      #expect(place.holders[first] != nil && place.holders[last] != nil)
      #expect(ancestors[first]?.isDisjoint(with: place.holders.keys) == true)
      #expect(place.holders.keys.allSatisfy { ancestors[$0]?.contains(last) == false })
      if let path = finding.place.path, !path.contains(mark) {
        #expect(place.holders[first]?.contains(path) == true, "\(finding.place)")
      }
    }
  }

  @Test func `Objects in the same references share one list, and each reference's name is cleaned once`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("r"))
    for number in 0..<40 { try git.write("f\(number)", "\(number) \(leaked)\n") }
    try git.commit()
    for number in 0..<30 { try git("branch", "b\(number)") }
    let patterns = try SecretPatterns(secrets: [Secret(leaked)])
    let repository = try await OpenRepository(
      path: git.path, for: .scan, git: GitProgram(environment: Git.environment))
    let survey = try ObjectSurvey(objects: repository.objects, patterns: patterns).run()
    let located = try ObjectLocator(repository.objects, survey).locate(from: repository.snapshot.targets)
    #expect(located.locations.count == 40)
    #expect(located.tipSets.count == 2 && located.tipSets[1].count == 31)
  }
}
