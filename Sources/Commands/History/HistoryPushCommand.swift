import ArgumentParser
import Capabilities
import Foundation
import GitHistory
import JSON
import Response

/// `staunch history push`.
struct HistoryPushCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "push",
    abstract: "Push every rewritten ref, atomically and with lease. Without --live: only the plan.",
    discussion: """
      Every ref that the remote advertises is accounted for. Exit 1 when one of them holds, or may hold, what was removed.
      Whether the forge is clean afterwards says: staunch history verify --remote NAME
      """)

  @Option(name: .long, help: "The repository.") var repository = "."
  @Option(name: .long, help: "The remote.") var remote = "origin"
  @Flag(name: .long, help: "Do it.") var live = false
  @Option(name: .long, help: "The directory's name, instead of typing it.") var confirm: String?
  @OptionGroup var own: RepositoryTrustOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let target = NamedRepository(repository, in: assembly)
    let rewriter = assembly.historyRewriter(trust: own.trust)
    let plan = try await rewriter.pushPlan(repository: target.path, remote: remote)
    if !live || !global.json { show(plan, in: assembly) }
    if !global.json { try await showOthers(target, rewriter, in: assembly) }
    guard live else {
      assembly.console.say(
        "nothing was pushed. next: the same command with --live --confirm \(harmless(target.name))")
      return
    }
    // The digest that is confirmed covers the address and every ref with its ids.
    let (path, origin, progress) = (target.path, remote, ProgressLine(console: assembly.console))
    let push = try await DirectRun.carryOut(
      "history.push", target: path, lock: DirectRun.lock(ofRepository: path), name: target.name,
      document: own.noted(in: HistoryDocuments.push(plan)), confirmation: confirm, in: assembly
    ) { _ in
      .notDone(evidence: "pushing the same references again, with lease, changes nothing more")
    } perform: { authority, _ in
      try await rewriter.push(
        plan, repository: path, remote: origin, progress: progress, under: authority)
    } outputs: {
      HistoryDocuments.push($0)
    }
    assembly.console.endTransient()
    show(push, target, in: assembly)
    if !push.isWhole { throw ExitCode(ExitStatus.failed.rawValue) }
  }

  /// Where nothing is pushed by this command, and what was removed may be.
  private func showOthers(_ target: NamedRepository, _ rewriter: GitHistoryRewriter, in assembly: Assembly)
    async throws
  {
    for other in try await rewriter.others(
      repository: target.path, besides: remote, within: .seconds(20))
    {
      let what =
        other.refs.map { "\($0.count) refs" } ?? "not asked: \(harmless(other.silence ?? "no answer"))"
      assembly.console.data("  \(harmless(other.address)), another remote: \(what); nothing is pushed there")
    }
  }

  private func show(_ plan: HistoryPushPlan, in assembly: Assembly) {
    let console = assembly.console
    guard !global.json else { return console.data(HistoryDocuments.push(plan).canonicalText) }
    console.data("plan for \(harmless(plan.address))")
    for update in plan.updates {
      let from = update.from.map { String($0.prefix(12)) } ?? "new"
      let to = update.to.map { String($0.prefix(12)) } ?? "deleted"
      console.data("  \(harmless(update.ref))  \(from) → \(to)")
    }
    for ref in plan.done { console.data("  \(harmless(ref))  is there already") }
    if !plan.untouched.isEmpty {
      console.data("  \(plan.untouched.count) further refs hold nothing that was removed: they stay")
    }
    show(plan.residual, in: console)
  }

  private func show(_ push: HistoryPush, _ target: NamedRepository, in assembly: Assembly) {
    let console = assembly.console
    guard !global.json else { return console.data(HistoryDocuments.push(push).canonicalText) }
    for ref in push.refs {
      let reason = ref.reason.map { "  \(harmless($0))" } ?? ""
      console.data("\(harmless(ref.ref))  \(ref.isUpdated ? "updated" : "refused")\(reason)")
    }
    show(push.residual, in: console)
    console.say(
      push.isWhole
        ? "next: staunch history verify with --remote \(harmless(remote)) and the same expressions or incident"
        : "the secret is still at the forge")
  }

  private func show(_ residual: [HistoryRewrite.Residual], in console: Console) {
    for residual in residual {
      console.data("left: \(harmless(residual.place)): \(harmless(residual.why))")
      console.data("  fix: \(harmless(residual.fix))")
    }
  }
}

/// A repository as the command line names it.
struct NamedRepository {
  let path: String
  let name: String
  init(_ argument: String, in assembly: Assembly) {
    path = URL(filePath: assembly.absolute(argument)).standardizedFileURL.path
    let last = (path as NSString).lastPathComponent
    name =
      last == ".git" ? ((path as NSString).deletingLastPathComponent as NSString).lastPathComponent : last
  }
}
