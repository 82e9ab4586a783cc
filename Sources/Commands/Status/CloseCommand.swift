import ArgumentParser
import Capabilities
import Chronicle
import Foundation
import GitHistory
import Incidents
import JSON
import Journal
import Response
import Secrets
import StaunchConfiguration

/// `staunch close`: the incident is over; a person's word.
struct CloseCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "close",
    abstract: "Say that an incident is over. Refused while a leaked value of it is not proven dead.",
    discussion: """
      Refused, too, while the leaked value is or may be at a repository's forge: until a fresh clone of the remote, made
      after the push, was scanned clean. What was clean is looked at once more now, the clone's other remotes included. Whoever
      leaves it there on purpose says so: --uncleaned. The same holds for copies outside of Git that a search found
      (staunch credential locate) and none has missed since.
      """)

  @Argument(help: "The incident; default: the most urgent open one.") var incident: String?
  @Option(name: .long, help: "Why it is over.") var reason: String
  @Flag(name: .long, help: "Although the credential was not proven dead.") var unproven = false
  @Flag(name: .long, help: "Although the leaked value is, or may be, still at the forge or in a copy.")
  var uncleaned =
    false
  @Option(name: .long, help: "In which role you say it.") var role = "responder"
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let id = try assembly.incident(named: incident)
    let journal = try assembly.journal()
    try CommandFailure.checkWords(reason, as: "--reason")
    try journal.admit([("--reason", reason), ("--role", role)], about: id)
    var known = try assembly.statuses().first { $0.id == id }
    guard let status = known, unproven || status.isContained else {
      throw CommandFailure(
        .stillAlive, "\(id) was not closed", because: Closing.unproven(known),
        fix: known?.next.command ?? "staunch show \(id)")
    }
    // A restore and a push by hand leave no trace here: the proof is made again.
    if !uncleaned, status.stillAtTheForge.isEmpty {
      try await lookAgain(at: status, journal, in: assembly)
      known = try assembly.statuses().first { $0.id == id }
    }
    let left = known?.stillAtTheForge ?? []
    guard uncleaned || left.isEmpty else {
      let isElsewhere = left.contains { $0.again != nil }
      throw CommandFailure(
        .declined, "\(id) was not closed",
        because: "the leaked value is still at the forge: "
          + left.map { "\($0.repository) (\(harmless($0.why)))" }.joined(separator: ", "),
        fix: "clean it: staunch \(isElsewhere ? "show" : "plan") \(id); "
          + "or leave it there and say so: \(uncleanedCommand(id))")
    }
    if !uncleaned, let copies = known?.copies, !copies.isEmpty {
      let first = copies.copies.first.map { ": \(harmless($0.text))" } ?? ""
      throw CommandFailure(
        .declined, "\(id) was not closed",
        because: "the leaked value lies outside of Git at \(Count.text(copies.count, "place"))\(first)",
        fix:
          "take them out (staunch show \(id)), then look again: \(copies.again(of: id) ?? "staunch credential locate"); "
          + "or leave them there and say so: \(uncleanedCommand(id))")
    }
    let kept = assembly.configurationPath == nil ? nil : try assembly.configuration().policy.retention
    let until = try Closing(journal: journal, now: assembly.now()).close(
      status, stillAtTheForge: left, because: reason, role: RoleName(role), keepingValues: kept)
    if until <= assembly.now() {
      assembly.console.say("closed \(id); the key of its leaked value was destroyed")
    } else {
      assembly.console.say(
        "closed \(id); its leaked value stays sealed until \(Timestamp.text(until).prefix(10)), then its key is destroyed "
          + "(policy: retention)")
    }
  }

  private func uncleanedCommand(_ id: IncidentID) -> String {
    "staunch close \(id) \(unproven ? "--unproven " : "")--uncleaned --reason \(ShellWord.quoted(reason))"
  }

  /// Scans a fresh clone of every remote that was clean, and keeps what it shows.
  private func lookAgain(at status: IncidentStatus, _ journal: Journal, in assembly: Assembly) async throws {
    let values = try journal.record(of: status.id).leakedValues.refs
    // A drill's forge is gone with the drill.
    guard !status.isDrill, !values.isEmpty else { return }
    let removal = HistoryRemoval(secrets: try values.map { try journal.open($0) })
    let trust: RepositoryTrust =
      assembly.configurationPath == nil ? .none : try assembly.configuration().trustedRepositories
    for one in status.published {
      guard let clone = try clone(of: one, in: assembly) else {
        throw unseen(one, status.id, because: "staunch.yaml has no entry with a remote for it")
      }
      let scan: HistoryScan
      do throws(CapabilityError) {
        scan = try await assembly.historyRewriter(trust: trust).verifyFreshClone(
          repository: clone.path, remote: clone.remote, for: removal,
          progress: ProgressLine(console: assembly.console))
      } catch {
        assembly.console.endTransient()
        throw unseen(one, status.id, because: error.because)
      }
      assembly.console.endTransient()
      try RepositoryNotes(one.repository, in: journal).verified(scan, of: clone, for: values, of: status.id)
    }
  }

  private func clone(of one: PublishedHistory, in assembly: Assembly) throws -> PublishedHistory.Clone? {
    guard assembly.configurationPath != nil,
      let entry = try assembly.configuration().repositories[one.repository], let remote = entry.remote
    else { return one.clone }
    return PublishedHistory.Clone(path: entry.path, remote: remote)
  }

  private func unseen(_ one: PublishedHistory, _ id: IncidentID, because: String) -> CommandFailure {
    CommandFailure(
      .unavailable, "\(id) was not closed",
      because:
        "whether the remote of \(one.repository) is still clean could not be seen: \(harmless(because))",
      fix:
        "make it reachable, then the same command again; or close without the look: \(uncleanedCommand(id))")
  }
}
