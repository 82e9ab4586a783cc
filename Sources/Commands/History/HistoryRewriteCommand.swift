import ArgumentParser
import Capabilities
import Chronicle
import Foundation
import GitHistory
import GitObjects
import Incidents
import JSON
import Journal
import Response

/// `staunch history rewrite`: a plan; with `--live` the rewrite.
struct HistoryRewriteCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "rewrite", abstract: "Remove secrets from every ref. Without --live: only the plan.",
    discussion: """
      EXAMPLES
        staunch history rewrite --replace-text expressions.txt
        staunch history rewrite --replace-text expressions.txt --live --confirm my-repository
        staunch history rewrite --replace-text expressions.txt --repositories list.txt --jobs 4
      """)

  @OptionGroup var target: HistoryTarget
  @Flag(name: .long, help: "Do it.") var live = false
  @Option(name: .long, help: "The directory's name, instead of typing it.") var confirm: String?
  @Flag(
    name: .long, help: "Go on although the work tree has uncommitted changes; its files stay as they are.")
  var keepWorktree = false
  @Option(name: .long, help: "Also remove this file or directory everywhere (repeatable).")
  var removePath: [String] = []
  @Option(name: .long, help: "Also remove the blob with this id everywhere (repeatable).")
  var removeBlob: [String] = []
  @Option(name: .long, help: "The commit-map of a rewritten submodule: gitlinks follow it (repeatable).")
  var submoduleMap: [String] = []
  @Option(name: .long, help: "A file with one repository a line, instead of --repository.")
  var repositories: String?
  @Option(name: .long, help: "How many of --repositories at once.") var jobs = 2
  @Flag(name: .long, help: "Replace ids of rewritten commits that messages quote.") var remapQuotedHashes =
    false
  @Option(
    name: .long,
    help: "How many matches the plan shows, where a value is short or common: you have seen what they are.")
  var common: Int?
  @Flag(name: .long, help: "Go on with a rewrite that was interrupted while files moved.") var resume = false
  @Flag(
    name: .long,
    help: "With --incident: although other incidents of the same report are not contained.")
  var historyBeforeContainment = false
  @OptionGroup var own: RepositoryTrustOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let patterns = try target.patterns(in: assembly)
    let rewriter = assembly.historyRewriter(try options(in: assembly), trust: own.trust)
    if live, !target.incident.isEmpty {
      try HistoryOrder(journal: try assembly.journal(), now: assembly.now())
        .admit(target.incident.map { IncidentID($0) }, decided: historyBeforeContainment)
    }
    if let repositories {
      let batch = RepositoryBatch(
        assembly: assembly, rewriter: rewriter, patterns: patterns, isLive: live, isJSON: global.json)
      let paths = try RepositoryBatch.paths(repositories, in: assembly)
      return try await batch.run(paths, list: repositories, jobs: jobs, confirmation: confirm)
    }
    let path = target.path(in: assembly)
    let name = target.name(in: assembly)
    let progress = ProgressLine(console: assembly.console)
    if resume { return try await goOn(rewriter, patterns, path: path, name: name, progress, in: assembly) }
    guard live else {
      let plan = try await rewriter.plan(repository: path, patterns: patterns, progress: progress)
      assembly.console.endTransient()
      show(plan, patterns, isPlan: true, name: name, in: assembly)
      let common = plan.matches.map { " --common \($0.count)" } ?? ""
      assembly.console.say("next: the same command with --live --confirm \(harmless(name))\(common)")
      return
    }
    let prepared = try await rewriter.prepare(repository: path, patterns: patterns, progress: progress)
    let plan = prepared.summary
    assembly.console.endTransient()
    if !global.json { show(plan, patterns, isPlan: true, name: name, in: assembly) }
    if let matches = plan.matches { try confirm(matches, in: assembly) }
    let result = try await DirectRun.carryOut(
      "history.rewrite", target: path, lock: DirectRun.lock(ofRepository: path), name: name,
      document: own.noted(in: HistoryDocuments.rewrite(plan, isPlan: true)), confirmation: confirm,
      in: assembly
    ) { marker in
      try await rewriter.settlement(ofRewrite: marker, in: path)
    } perform: { authority, marker in
      try await rewriter.rewrite(prepared, marker: marker, progress: progress, under: authority)
    } outputs: {
      HistoryDocuments.rewrite($0, isPlan: false)
    }
    assembly.console.endTransient()
    show(result, patterns, isPlan: false, name: name, in: assembly)
  }

  /// An interrupted rewrite has been planned and confirmed before: what is left to do is known.
  private func goOn(
    _ rewriter: GitHistoryRewriter, _ patterns: SecretPatterns, path: String, name: String,
    _ progress: ProgressLine, in assembly: Assembly
  ) async throws {
    guard live else {
      throw CommandFailure(
        .usage, "--resume changes every ref", because: "--live is missing",
        fix: "the same command with --live --confirm \(harmless(name))")
    }
    let result = try await DirectRun.carryOut(
      "history.rewrite", target: path, lock: DirectRun.lock(ofRepository: path), name: name,
      document: own.noted(in: ["resumed": .string(path)]), confirmation: confirm, in: assembly
    ) { marker in
      try await rewriter.settlement(ofRewrite: marker, in: path)
    } perform: { authority, _ in
      try await rewriter.resume(repository: path, patterns: patterns, progress: progress, under: authority)
    } outputs: {
      HistoryDocuments.rewrite($0, isPlan: false)
    }
    assembly.console.endTransient()
    show(result, patterns, isPlan: false, name: name, in: assembly)
  }

  /// A short or common value stands in places that are no leak. Whoever goes on has seen how many.
  private func confirm(_ matches: HistoryMatches, in assembly: Assembly) throws {
    if common == matches.count { return }
    let fix =
      "take it out of the expressions; or, when every one of them is meant: the same command with --common \(matches.count)"
    guard common == nil, !global.json, assembly.console.style.isInteractive else {
      throw CommandFailure(
        .declined, "history was not rewritten", because: matches.text + "; each would be replaced", fix: fix)
    }
    let answer = assembly.console.ask("\(matches.text). Type \(matches.count) to replace every one of them:")
    guard answer == String(matches.count) else {
      throw CommandFailure(
        .declined, "history was not rewritten", because: "the number was not typed; nothing was changed",
        fix: fix)
    }
  }

  private func options(in assembly: Assembly) throws -> HistoryOptions {
    var options = HistoryOptions()
    options.keepsWorkTree = keepWorktree
    options.removedPaths = removePath
    options.remapsQuotedHashes = remapQuotedHashes
    for text in removeBlob {
      guard let id = ObjectID(hex: text) else {
        throw CommandFailure(
          .usage, "--remove-blob \(harmless(text)) is no id", because: "an id is 40 hexadecimal digits",
          fix: "git rev-parse prints it, for a commit and a path with a colon between")
      }
      options.removedBlobs.insert(id)
    }
    for file in submoduleMap {
      let text = String(decoding: try assembly.readInput(file), as: UTF8.self)
      for (number, line) in text.split(whereSeparator: \.isNewline).enumerated() {
        let words = line.split(separator: " ")
        if number == 0, words == ["old", "new"] { continue }
        guard words.count == 2, let old = ObjectID(hex: words[0]), let new = ObjectID(hex: words[1]) else {
          throw CommandFailure(
            .invalidInput, "cannot read \(harmless(file))", because: "line \(number + 1) is not two ids",
            fix: "name the commit-map file that the rewrite of the submodule wrote")
        }
        options.gitlinks[old] = new
      }
    }
    return options
  }

  private func show(
    _ rewrite: HistoryRewrite, _ patterns: SecretPatterns, isPlan: Bool, name: String, in assembly: Assembly
  ) {
    if global.json {
      assembly.console.data(
        HistoryDocuments.noting(patterns, HistoryDocuments.rewrite(rewrite, isPlan: isPlan)).canonicalText)
    } else {
      if !isPlan || !live { HistoryScreen(console: assembly.console).showNotSearched(patterns) }
      HistoryScreen(console: assembly.console).show(
        rewrite, isPlan: isPlan, name: name, of: target.path(in: assembly))
    }
  }
}

/// `staunch history restore`.
struct HistoryRestoreCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Bring everything back to what it was before a rewrite, bit for bit.")

  @Option(name: .long, help: "The repository.") var repository = "."
  @Option(name: .long, help: "The backup that the rewrite named.") var backup: String
  @Flag(name: .long, help: "Do it.") var live = false
  @Flag(name: .long, help: "Give up what was committed since the rewrite.") var discardLaterWork = false
  @Option(name: .long, help: "The directory's name, instead of typing it.") var confirm: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let target = NamedRepository(repository, in: assembly)
    guard live else {
      throw CommandFailure(
        .usage, "history restore changes every ref", because: "--live is missing",
        fix:
          "staunch history restore --repository \(harmless(repository)) --backup \(harmless(backup)) --live --confirm \(harmless(target.name))"
      )
    }
    let (path, vault, discards) = (target.path, backup, discardLaterWork)
    let rewriter = assembly.historyRewriter()
    try await DirectRun.carryOut(
      "history.restore", target: path, lock: DirectRun.lock(ofRepository: path), name: target.name,
      document: ["repository": .string(path), "backup": .string(vault)], confirmation: confirm, in: assembly
    ) { _ in
      try await rewriter.settlement(ofUsingUp: vault, in: path)
    } perform: { authority, _ in
      guard discards else {
        return try await rewriter.restore(repository: path, backup: vault, under: authority)
      }
      try await rewriter.restoreDiscardingLaterWork(repository: path, backup: vault, under: authority)
    } outputs: {
      ["backup": .string(vault)]
    }
    // Whatever an incident says of this repository, it holds the value again.
    try target.note(in: assembly) { try $0.restored(of: $1) }
    if global.json {
      assembly.console.data(JSONValue.object(["schema": 1, "restored": .string(backup)]).canonicalText)
    } else {
      assembly.console.say(
        "restored: the repository is what it was before \(harmless(backup)); the secret is in it again")
    }
  }
}

extension NamedRepository {
  /// Writes down what was done here, in every incident that knows the repository.
  fileprivate func note(
    in assembly: Assembly, _ write: (_ notes: RepositoryNotes, _ incident: IncidentID) throws -> Void
  ) throws {
    let journal = try assembly.journal()
    let own = try assembly.repositoryName(at: path) ?? RepositoryName(name)
    for status in try assembly.statuses(in: journal) {
      for one in status.published where one.isOf(own, at: path) && one.evidence != nil {
        try write(RepositoryNotes(one.repository, in: journal), status.id)
      }
    }
  }
}

/// `staunch history shred`.
struct HistoryShredCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "shred",
    abstract: "Destroy an undo vault: the removed objects are gone from this repository.")

  @Option(name: .long, help: "The repository.") var repository = "."
  @Option(name: .long, help: "The backup that the rewrite named.") var backup: String
  @Flag(name: .long, help: "Do it.") var live = false
  @Option(name: .long, help: "The directory's name, instead of typing it.") var confirm: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let target = NamedRepository(repository, in: assembly)
    guard live else {
      throw CommandFailure(
        .usage, "history shred cannot be taken back", because: "--live is missing",
        fix:
          "staunch history shred --repository \(harmless(repository)) --backup \(harmless(backup)) --live --confirm \(harmless(target.name))"
      )
    }
    let (path, vault) = (target.path, backup)
    let rewriter = assembly.historyRewriter()
    let shared = try await DirectRun.carryOut(
      "history.shred", target: path, lock: DirectRun.lock(ofRepository: path), name: target.name,
      document: ["repository": .string(path), "backup": .string(vault)], confirmation: confirm, in: assembly
    ) { _ in
      try await rewriter.settlement(ofUsingUp: vault, in: path)
    } perform: { authority, _ in
      try await rewriter.shred(repository: path, backup: vault, under: authority)
    } outputs: {
      ["backup": .string(vault), "shared_files": .integer($0)]
    }
    if shared == 0 { try target.note(in: assembly) { try $0.shredded(vault, of: $1) } }
    assembly.console.say(
      shared == 0
        ? "shredded: nothing of it is left in this repository"
        : "shredded here, but \(shared) files are still shared with a clone on this disk")
  }
}

extension DirectRun {
  /// What excludes two hands on one repository.
  static func lock(ofRepository path: String) -> String { "repository/\(path)" }
}

extension GitHistoryRewriter {
  /// How a rewrite that was killed ended.
  func settlement(ofRewrite marker: String, in path: String) async throws(CapabilityError) -> Settlement {
    try await finished(repository: path, marker: marker) == nil
      ? .notDone(evidence: "the rewrite \(marker) is not complete")
      : .done(ActionResult(), evidence: "the rewrite \(marker) is complete")
  }

  /// How a restore or a shredding that was killed ended: both use the backup up.
  func settlement(ofUsingUp backup: String, in path: String) async throws(CapabilityError) -> Settlement {
    try await holds(backup: backup, repository: path)
      ? .notDone(evidence: "the backup \(backup) is still there")
      : .done(ActionResult(), evidence: "the backup \(backup) is used up")
  }
}
