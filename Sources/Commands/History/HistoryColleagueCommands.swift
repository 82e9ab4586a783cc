import ArgumentParser
import Capabilities
import Foundation
import GitHistory
import Incidents
import JSON
import Response

/// Where a rewrite left its maps.
struct RemovedOptions: ParsableArguments {
  @Option(name: .long, help: "The `maps` directory that the rewrite named, or a copy of it.") var maps:
    String?
  @Option(name: .long, help: "The rewritten repository, instead of --maps.") var rewritten: String?

  func removed(in assembly: Assembly) async throws -> RemovedObjects {
    if let maps { return try RemovedObjects(mapsDirectory: assembly.absolute(maps)) }
    return try await assembly.historyRewriter().removedObjects(
      repository: assembly.absolute(rewritten ?? "."), backup: nil)
  }
}

/// `staunch history check-clone`: exit 0 clean, 10 when it still holds or would bring back what was removed.
struct HistoryCheckCloneCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "check-clone",
    abstract: "Does a colleague's clone still hold what was removed? Exit 0 or 10.")

  @Option(name: .long, help: "The clone.") var repository = "."
  @OptionGroup var removed: RemovedOptions
  @Flag(name: .long, help: "Put the clone on the rewritten history (safe to repeat).") var fix = false
  @Option(name: .long, help: "The remote that has the rewritten history.") var remote = "origin"
  @Option(name: .long, help: "The directory's name, instead of typing it.") var confirm: String?
  @OptionGroup var own: RepositoryTrustOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let objects = try await removed.removed(in: assembly)
    let path = assembly.absolute(repository)
    let rewriter = assembly.historyRewriter(trust: own.trust)
    if fix {
      let name = (URL(filePath: path).standardizedFileURL.path as NSString).lastPathComponent
      let origin = remote
      let report = try await DirectRun.carryOut(
        "history.repair-clone", target: path, lock: DirectRun.lock(ofRepository: path), name: name,
        document: own.noted(in: ["repository": .string(path), "remote": .string(origin)]),
        confirmation: confirm, in: assembly
      ) { _ in
        .notDone(evidence: "repairing a clone again is safe")
      } perform: { authority, _ in
        try await rewriter.repairClone(path, remote: origin, removed: objects, under: authority)
      } outputs: {
        ["repaired": .array($0.repaired.map { .string($0) })]
      }
      for ref in report.repaired { assembly.console.data("repaired  \(harmless(ref))") }
      for left in report.left {
        assembly.console.data("left: \(harmless(left.place)): \(harmless(left.why))")
        assembly.console.data("  fix: \(harmless(left.fix))")
      }
    }
    let report = try await rewriter.checkClone(path, removed: objects)
    if global.json {
      assembly.console.data(
        JSONValue.object([
          "schema": 1, "repository": .string(path), "clean": .boolean(report.isClean),
          "would_bring_it_back": .boolean(report.wouldBringItBack),
          "removed_objects": .integer(report.removedObjects),
          "refs": .array(
            report.tainted.map {
              [
                "ref": .string($0.ref), "own_commits": .integer($0.ownCommits),
                "command": $0.command.map { .string($0) } ?? .null,
              ]
            }),
        ]).canonicalText)
    } else if report.isClean {
      assembly.console.data("clean: this clone holds nothing of what was removed")
    } else {
      assembly.console.data("\(report.removedObjects) removed objects are still here")
      for ref in report.tainted {
        assembly.console.data("\(harmless(ref.ref))  \(ref.ownCommits) own commits")
        if let command = ref.command { assembly.console.data("  fix: \(harmless(command))") }
      }
    }
    if !report.isClean { throw ExitCode(ExitStatus.secretFound.rawValue) }
  }
}

/// `staunch history guard`: a server-side hook that refuses what was removed.
struct HistoryGuardCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "guard", abstract: "A server-side pre-receive hook that refuses the removed objects.",
    discussion: "Writes pre-receive and its list of objects into a directory; install both on the server.")

  @OptionGroup var removed: RemovedOptions
  @Option(name: .long, help: "An empty or new directory.") var output: String
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let hook = ReceiveGuard(try await removed.removed(in: assembly))
    let directory = assembly.absolute(output)
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try Data(hook.hook.utf8).write(
        to: URL(filePath: directory + "/pre-receive"), options: .withoutOverwriting)
      try Data(hook.list.utf8).write(
        to: URL(filePath: directory + "/removed-objects"), options: .withoutOverwriting)
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: directory + "/pre-receive")
    } catch {
      throw CommandFailure(
        .unavailable, "cannot write the hook to \(harmless(output))",
        because: plainReason(of: error), fix: "name a new directory: --output DIR")
    }
    assembly.console.data(directory + "/pre-receive")
    assembly.console.say("next: copy both files into the hooks directory of the repository on the server")
  }
}

/// `staunch history support-request`: text for the forge's support.
struct HistorySupportRequestCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "support-request",
    abstract: "The text for the forge's support about what a push cannot remove.")

  @Option(name: .long, help: "The rewritten repository.") var repository = "."
  @Option(name: .long, help: "The remote.") var remote = "origin"
  @Option(name: .long, help: "github, gitlab or gitea; default: from the remote's address.") var forge:
    String?
  @OptionGroup var own: RepositoryTrustOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    var chosen: SupportRequest.Forge?
    if let forge {
      guard let known = SupportRequest.Forge(rawValue: forge) else {
        throw CommandFailure(
          .usage, "there is no forge \"\(harmless(forge))\"",
          because: "known are: \(SupportRequest.Forge.allCases.map(\.rawValue).joined(separator: ", "))",
          fix: "--forge github")
      }
      chosen = known
    }
    let request = try await assembly.historyRewriter(trust: own.trust).supportRequest(
      repository: assembly.absolute(repository), remote: remote, forge: chosen)
    assembly.console.data(request.text)
  }
}
