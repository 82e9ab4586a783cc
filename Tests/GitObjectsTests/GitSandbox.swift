import Foundation
import GitObjects
import Secrets
import TestSupport

/// A repository made for one test, driven by the real `git`.
final class GitSandbox: Sendable {
  let directory: TemporaryDirectory
  var path: String { directory.path("repo") }
  var gitDirectory: String { path + "/.git" }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  init() throws {
    directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try git("init", "-q", "-b", "main")
    try git("config", "gc.auto", "0")
    try git("config", "commit.gpgsign", "false")
  }

  @discardableResult
  func git(_ arguments: String..., input: [UInt8] = []) throws -> String {
    String(decoding: try run("git", arguments, input: input), as: UTF8.self)
  }

  func run(_ program: String, _ arguments: [String], input: [UInt8] = []) throws -> [UInt8] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: path)
    process.environment = [
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": directory.path,
      "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "A U Thor", "GIT_AUTHOR_EMAIL": "author@example.com",
      "GIT_AUTHOR_DATE": "1700000000 +0100", "GIT_COMMITTER_NAME": "C O Mitter",
      "GIT_COMMITTER_EMAIL": "committer@example.com", "GIT_COMMITTER_DATE": "1700000000 +0100", "LC_ALL": "C",
    ]
    let inputFile = directory.path("stdin-" + UUID().uuidString)
    let outputFile = directory.path("stdout-" + UUID().uuidString)
    let errorFile = directory.path("stderr-" + UUID().uuidString)
    for (file, bytes) in [(inputFile, input), (outputFile, []), (errorFile, [])] {
      try Data(bytes).write(to: URL(fileURLWithPath: file))
    }
    process.standardInput = FileHandle(forReadingAtPath: inputFile)
    process.standardOutput = FileHandle(forWritingAtPath: outputFile)
    process.standardError = FileHandle(forWritingAtPath: errorFile)
    try process.run()
    process.waitUntilExit()
    let output = Array(FileManager.default.contents(atPath: outputFile) ?? Data())
    let errors = FileManager.default.contents(atPath: errorFile) ?? Data()
    for file in [inputFile, outputFile, errorFile] { try FileManager.default.removeItem(atPath: file) }
    guard process.terminationStatus == 0 else {
      throw Failure(
        description: "\(program) \(arguments): status \(process.terminationStatus): "
          + String(decoding: errors, as: UTF8.self))
    }
    return output
  }

  /// The id of an object written raw: nothing is checked or changed.
  func write(_ kind: ObjectKind, _ content: [UInt8]) throws -> ObjectID {
    let text = try git(
      "hash-object", "-t", kind.name, "--literally", "-w", "--stdin", input: content)
    return try id(text.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  func id(_ revision: String) throws -> ObjectID {
    let hex = ObjectID(hex: revision) == nil ? try git("rev-parse", "--verify", "-q", revision) : revision
    guard let id = ObjectID(hex: hex.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw Failure(description: "\(revision) is no object")
    }
    return id
  }

  func put(_ name: String, _ content: some Sequence<UInt8>) throws {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(Array(content)).write(to: URL(fileURLWithPath: file))
  }

  @discardableResult
  func commit(_ message: String, _ files: [String: String] = [:]) throws -> ObjectID {
    for (name, content) in files { try put(name, content.utf8) }
    try git("add", "-A")
    try git("commit", "-q", "--allow-empty", "-m", message)
    return try id("HEAD")
  }

  func objects() throws -> RepositoryObjects { try RepositoryObjects(gitDirectory: gitDirectory) }

  /// Targets of all refs.
  func tips() throws -> [ObjectID] {
    try git("for-each-ref", "--format=%(objectname)").split(separator: "\n").map { try id(String($0)) }
  }

  func scan(_ patterns: SecretPatterns) throws -> [ObjectHit] {
    try ObjectScan(objects: try objects(), patterns: patterns).run().hits
  }

  /// Rewrites, moves refs and packs, removes what was superseded: the least a caller has to do.
  @discardableResult
  func rewrite(_ patterns: SecretPatterns, options: RewriteOptions = .init()) throws -> RewriteOutcome {
    let outcome = try ObjectRewrite(
      objects: try objects(), patterns: patterns, tips: try tips(), options: options
    ).run()
    try install(outcome)
    return outcome
  }

  func install(_ outcome: RewriteOutcome) throws {
    guard let pack = outcome.pack else { return }
    let files = FileManager.default
    let packs = gitDirectory + "/objects/pack"
    for ending in [".pack", ".idx"] {
      try files.moveItem(
        atPath: "\(pack.directory)/\(pack.name)\(ending)", toPath: "\(packs)/\(pack.name)\(ending)")
    }
    try files.removeItem(atPath: pack.directory)
    for line in try git("for-each-ref", "--format=%(objectname) %(refname)").split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      switch outcome.fate(of: try id(words[0])) {
      case .unchanged: break
      case .rewritten(let new): try git("update-ref", words[1], new.hex)
      case .dropped: try git("update-ref", "-d", words[1])
      }
    }
    for old in outcome.supersededPacks where !old.hasSuffix("/\(pack.name).pack") {
      try files.removeItem(atPath: old)
      try files.removeItem(atPath: old.dropLast(4) + "idx")
    }
    for loose in outcome.supersededLooseObjects { try files.removeItem(atPath: loose) }
    for name in ["/logs", "/index"] where files.fileExists(atPath: gitDirectory + name) {
      try files.removeItem(atPath: gitDirectory + name)
    }
  }

  /// `git fsck --full`; throws when it complains.
  func fsck() throws { try git("fsck", "--full", "--no-dangling") }
}

/// Patterns for one secret in every form.
func patterns(_ secrets: String..., replacement: String = SecretPatterns.defaultReplacement) throws
  -> SecretPatterns
{
  try SecretPatterns(secrets: secrets.map { Secret($0) }, replacement: replacement)
}

/// A secret built from parts, so that no scanner stumbles over this file.
let leaked = "sk" + "-proj-" + "T3stKeyForUnitTests0123456789"
