import ArgumentParser
import Capabilities
import Foundation
import GitHistory
import GitObjects
import Incidents
import JSON
import Journal
import Response

/// Many repositories with the same secrets, some at once: one that cannot be rewritten does not stop the others.
///
/// Each is a run of its own in the journal, with its own undo vault in its repository.
struct RepositoryBatch {
  let assembly: Assembly
  let rewriter: GitHistoryRewriter
  let patterns: SecretPatterns
  let isLive: Bool
  let isJSON: Bool

  /// What became of one repository.
  private enum Ending: Sendable {
    case rewritten(HistoryRewrite)
    case failed(what: String, fix: String?)
  }

  /// The repositories of a file: one path a line; empty lines and those that start with `#` are skipped.
  static func paths(_ file: String, in assembly: Assembly) throws -> [String] {
    let text = String(decoding: try assembly.readInput(file), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
    var seen: Set<String> = []
    let paths = lines.filter { !$0.isEmpty && !$0.hasPrefix("#") }
      .map { URL(filePath: assembly.absolute($0)).standardizedFileURL.path }
      .filter { seen.insert($0).inserted }
    guard !paths.isEmpty else {
      throw CommandFailure(
        .invalidInput, "no repository in \(harmless(file))", because: "it has no line with a path",
        fix: "write one path a line")
    }
    return paths
  }

  /// - Parameters:
  ///   - paths: in the order in which they are begun.
  ///   - jobs: how many at once.
  ///   - confirmation: what `--confirm` says; the name of the list, or asked for.
  /// - Throws: exit 77 when declined, exit 1 when a repository failed.
  func run(_ paths: [String], list: String, jobs: Int, confirmation: String?) async throws {
    if isLive {
      try DirectRun.confirm(
        (list as NSString).lastPathComponent, action: "history.rewrite", given: confirmation, in: assembly)
      // Made here once: repositories that begin at the same time would each try to make them.
      _ = try assembly.state().identity()
      // Compared here once, too: a tracker that does not answer must not hold each of them up.
      try await DirectRun.compareTickets(try assembly.journal(), in: assembly)
    }
    var endings: [Int: Ending] = [:]
    await withTaskGroup(of: (Int, Ending).self) { group in
      var next = 0
      func begin() {
        guard next < paths.count, !Task.isCancelled else { return }
        let number = next
        next += 1
        group.addTask { (number, await one(paths[number])) }
      }
      for _ in 0..<max(1, jobs) { begin() }
      for await (number, ending) in group {
        endings[number] = ending
        if !isJSON { show(paths[number], ending) }
        begin()
      }
    }
    if isJSON {
      assembly.console.data(HistoryDocuments.noting(patterns, document(paths, endings)).canonicalText)
    }
    let failures = paths.indices.count { number in
      if case .rewritten? = endings[number] { false } else { true }
    }
    assembly.console.say(
      "\(paths.count - failures) of \(paths.count) repositories \(isLive ? "done" : "planned"), \(failures) failed"
    )
    if failures > 0 { throw ExitCode(ExitStatus.failed.rawValue) }
    if !isLive {
      assembly.console.say(
        "next: the same command with --live --confirm \(harmless((list as NSString).lastPathComponent))")
    }
  }

  private func one(_ path: String) async -> Ending {
    do {
      return .rewritten(isLive ? try await rewrite(path) : try await plan(path))
    } catch {
      let failure = CommandFailure(after: error)
      return .failed(what: failure.because, fix: failure.fix)
    }
  }

  private func plan(_ path: String) async throws -> HistoryRewrite {
    try await rewriter.plan(repository: path, patterns: patterns, progress: NoProgress())
  }

  private func rewrite(_ path: String) async throws -> HistoryRewrite {
    let prepared = try await rewriter.prepare(
      repository: path, patterns: patterns, progress: NoProgress())
    let plan = prepared.summary
    if let matches = plan.matches {
      throw CapabilityError(
        .unsafe, "rewrite \(path)", because: matches.text + "; each would be replaced",
        fix:
          "read its plan: the same command with --repository '\(path)' instead of --repositories and without --live"
      )
    }
    let name = (path as NSString).lastPathComponent
    let rewriter = rewriter
    return try await DirectRun.carryOut(
      "history.rewrite", target: path, lock: DirectRun.lock(ofRepository: path), name: name,
      document: HistoryDocuments.rewrite(plan, isPlan: true), confirmation: name, comparesTickets: false,
      in: assembly
    ) { marker in
      try await rewriter.settlement(ofRewrite: marker, in: path)
    } perform: { authority, marker in
      try await rewriter.rewrite(prepared, marker: marker, progress: NoProgress(), under: authority)
    } outputs: {
      HistoryDocuments.rewrite($0, isPlan: false)
    }
  }

  private func show(_ path: String, _ ending: Ending) {
    switch ending {
    case .rewritten(let rewrite):
      let undo = rewrite.backup.map { "  undo: \($0)" } ?? ""
      assembly.console.data(
        "\(isLive ? "rewritten" : "plan")  \(harmless(path))  \(rewrite.commits) commits, \(rewrite.blobs) blobs,"
          + " \(rewrite.refs.count) refs, \(rewrite.left.count) left\(undo)")
    case .failed(let what, let fix):
      assembly.console.data("failed  \(harmless(path))  \(harmless(what))")
      if let fix { assembly.console.data("  fix: \(harmless(fix))") }
    }
  }

  private func document(_ paths: [String], _ endings: [Int: Ending]) -> JSONValue {
    let entries = paths.enumerated().map { number, path -> JSONValue in
      switch endings[number] {
      case .rewritten(let rewrite):
        [
          "repository": .string(path), "result": HistoryDocuments.rewrite(rewrite, isPlan: !isLive),
          "error": .null,
        ]
      case .failed(let what, let fix):
        [
          "repository": .string(path), "result": .null,
          "error": ["because": .string(what), "fix": fix.map { .string($0) } ?? .null],
        ]
      case nil:
        [
          "repository": .string(path), "result": .null,
          "error": ["because": "not begun: the run was interrupted", "fix": "run the same command again"],
        ]
      }
    }
    return ["schema": 1, "plan": .boolean(!isLive), "repositories": .array(entries)]
  }
}

/// For work of which several pieces run at once: one line for each when it ends is enough.
private struct NoProgress: ProgressSink {
  func progress(_ phase: String, done: Int, total: Int?, unit: String) {}
}
