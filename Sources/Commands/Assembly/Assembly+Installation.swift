import Actions
import Capabilities
import Execution
import Foundation
import Incidents
import Journal
import LocalSystem
import Platforms
import Playbooks
import Response
import Secrets
import StaunchConfiguration

extension Installation {
  /// Built from what the command line, the environment and staunch.yaml say.
  ///
  /// - Parameters:
  ///   - state: another state directory than the user's (a drill's).
  ///   - isDrill: marks the journal.
  ///   - open: the journal, where this process has it open already.
  init(
    _ assembly: Assembly, configuration: Configuration, playbooks: String? = nil, state: String? = nil,
    isDrill: Bool = false, journal open: Journal? = nil
  ) throws {
    let directory = state ?? assembly.statePath
    let crashPoint: @Sendable () -> CrashPointHook = { assembly.crashPoint() }
    let journal = try open ?? assembly.journal(at: directory, isDrill: isDrill)
    let identity = try StateDirectory(directory).identity()
    let library = try assembly.library(own: playbooks)
    let progress = ProgressLine(console: assembly.console)
    let environment = assembly.adapterEnvironment(state: directory)
    let introductions = RepositoryIntroductions(
      rewriter: assembly.historyRewriter(), processes: environment.processes, progress: progress,
      console: assembly.console)
    let targets = try assembly.targets(of: configuration, in: environment)
    let sources = PlatformSources(configuration.sources, in: environment)
    let files = LocalFileSystem()
    let postMortems = PostMortemFile(
      journal: journal, directory: directory + "/postmortems", templates: nil, files: files)
    let now: @Sendable () -> Date = { [assembly] in assembly.now() }
    // A drill's journal is made for it: nothing outside is older than it.
    let ticketHeads = TicketComparison(configuration.isDrill ? [:] : targets.trackers, now: now)
    let actions = BuiltinActions.all(
      in: ActionEnvironment(
        targets: targets, history: assembly.historyRewriter(trust: configuration.trustedRepositories),
        http: environment.http,
        processes: environment.processes, files: files, outbox: JournalOutbox(journal: journal),
        briefs: JournalBriefing(journal: journal, now: now), postMortems: postMortems,
        alerts: IncidentAlerts(journal: journal, sources: sources), now: now))
    let policy = try Installation.policy(configuration, identity: identity, state: StateDirectory(directory))
    self.init(
      configuration: configuration, journal: journal, targets: targets, actions: actions, library: library,
      policy: policy, identity: identity, progress: progress, postMortems: postMortems, sources: sources,
      ticketHeads: ticketHeads, introductions: introductions, voice: assembly.voice,
      redactor: assembly.redactor, statePath: directory, now: now, crashPoint: crashPoint)
  }
}
