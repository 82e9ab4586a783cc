import Actions
import BuiltinContent
import Capabilities
import Chronicle
import Execution
package import Foundation
import GitHistory
import Incidents
import Journal
import LocalSystem
import Playbooks
package import Response
import Secrets
package import StaunchConfiguration

extension Installation {
  /// With the real adapters and no command line: nobody is at a terminal, nobody reads what is said.
  ///
  /// - Parameters:
  ///   - playbooks: a directory of playbooks of one's own.
  ///   - state: the state directory.
  ///   - voice: hears what is said.
  package init(
    _ configuration: Configuration, playbooks: String? = nil, state: String, voice: QuietVoice = QuietVoice(),
    now: @escaping @Sendable () -> Date
  ) throws {
    let directory = try StateDirectory(state)
    let redactor = Redactor()
    let journal = try Journal.open(
      path: directory.journalPath, keys: try directory.keys(),
      settings: JournalSettings(now: now, redactor: redactor))
    let identity = try directory.identity()
    let environment = AdapterEnvironment.real(state: state, redactor: redactor, now: now)
    let targets = try Targets(configuration, in: environment)
    let sources = PlatformSources(configuration.sources, in: environment)
    let files = LocalFileSystem()
    let postMortems = PostMortemFile(
      journal: journal, directory: state + "/postmortems", templates: nil, files: files)
    let actions = BuiltinActions.all(
      in: ActionEnvironment(
        targets: targets,
        history: GitHistoryRewriter(
          environment: ProcessInfo.processInfo.environment, temporaryDirectory: NSTemporaryDirectory()),
        http: environment.http, processes: environment.processes, files: files,
        outbox: JournalOutbox(journal: journal), briefs: JournalBriefing(journal: journal, now: now),
        postMortems: postMortems, alerts: IncidentAlerts(journal: journal, sources: sources), now: now))
    self.init(
      configuration: configuration, journal: journal, targets: targets, actions: actions,
      library: try PlaybookLibrary(own: playbooks),
      policy: try Installation.policy(configuration, identity: identity, state: directory),
      identity: identity, progress: SilentProgress(), postMortems: postMortems, sources: sources,
      ticketHeads: TicketComparison(targets.trackers, now: now), introductions: NoIntroductions(),
      voice: voice, redactor: redactor, statePath: state, now: now, crashPoint: { { _ in } })
  }
}

/// No history says where a leak began.
private struct NoIntroductions: LeakIntroductions {
  func introduction(in path: String, of values: () throws -> [Secret]) async
    -> RepositoryEvidence.Introduction?
  { nil }
}

extension PlaybookLibrary {
  /// What is built in, and the files of a directory.
  fileprivate init(own directory: String?) throws {
    let names = try directory.map { try FileManager.default.contentsOfDirectory(atPath: $0) } ?? []
    self.init(
      builtin: BuiltinContent.playbooks.map { File(name: $0.path, text: $0.text) },
      own: try names.filter { $0.hasSuffix(".yaml") }.sorted().map { name in
        let path = (directory ?? "") + "/" + name
        return File(name: path, bytes: try Data(contentsOf: URL(filePath: path)))
      },
      parts: BuiltinContent.parts.map { File(name: $0.path, text: $0.text) })
  }
}
