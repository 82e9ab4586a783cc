import Actions
import Capabilities
import StaunchConfiguration
import Execution
import Foundation
import Incidents
import JSON
import Journal
import LocalSystem
import Playbooks
import Secrets

/// One installation at work: configuration, journal, targets and actions, built once for a command.
struct Installation {
  let assembly: Assembly
  let configuration: Configuration
  let journal: Journal
  let targets: Targets
  let actions: [String: AnyAction]
  let library: PlaybookLibrary
  let policy: ExecutionPolicy
  let identity: LocalIdentity
  let progress: ProgressLine
  let processes: any ProcessRunner
  let postMortems: PostMortemFile
  let sources: PlatformSources
  let ticketHeads: TicketComparison

  /// - Parameters:
  ///   - state: another state directory than the user's (a drill's).
  ///   - isDrill: marks the journal.
  init(
    _ assembly: Assembly, configuration: Configuration, playbooks: String? = nil, state: String? = nil,
    isDrill: Bool = false
  ) throws {
    self.assembly = assembly
    self.configuration = configuration
    let directory = state ?? assembly.statePath
    journal = try assembly.journal(at: directory, isDrill: isDrill)
    identity = try StateDirectory(directory).identity()
    library = try assembly.library(own: playbooks)
    progress = ProgressLine(console: assembly.console)
    let environment = assembly.adapterEnvironment(state: directory)
    processes = environment.processes
    targets = try assembly.targets(of: configuration, in: environment)
    sources = PlatformSources(configuration.sources, in: environment)
    let files = LocalFileSystem()
    postMortems = PostMortemFile(
      journal: journal, directory: directory + "/postmortems", templates: nil, files: files)
    let now: @Sendable () -> Date = { [assembly] in assembly.now() }
    // A drill's journal is made for it: nothing outside is older than it.
    ticketHeads = TicketComparison(configuration.isDrill ? [:] : targets.trackers, now: now)
    actions = BuiltinActions.all(
      in: ActionEnvironment(
        targets: targets, history: assembly.historyRewriter(trust: configuration.trustedRepositories),
        http: environment.http,
        processes: environment.processes, files: files, outbox: JournalOutbox(journal: journal),
        briefs: JournalBriefing(journal: journal, now: now), postMortems: postMortems,
        alerts: IncidentAlerts(journal: journal, sources: sources), now: now))
    policy = try Installation.policy(configuration, identity: identity, state: StateDirectory(directory))
  }

  /// Everybody whose signed yes counts: the local identity in every role, and whom the state directory's trust store names.
  /// Not staunch.yaml: it often lies in the very repository that leaked.
  private static func policy(_ configuration: Configuration, identity: LocalIdentity, state: StateDirectory)
    throws -> ExecutionPolicy
  {
    let policy = configuration.policy
    var trusted = [
      try ApproverIdentity(
        rawKey: identity.publicKey, roles: ["responder", "repository-admin"], person: policy.localPerson ?? ""
      )
    ]
    trusted += try TrustedPerson.identities(state.path + "/people.trust.json")
    let alone = configuration.routes.reduce(into: Set<String>()) { $0.formUnion($1.actions) }
    if !alone.isEmpty {
      trusted.append(
        try ApproverIdentity(
          rawKey: try state.policyIdentity().publicKey, roles: [Worker.policyRole], actions: alone))
    }
    return ExecutionPolicy(trusted: trusted, planRule: policy.planRule(for: identity))
  }

  /// Refuses a playbook that claims an exception from the rules that `policy:` does not grant.
  func permit(_ playbook: Playbook) throws {
    guard let missing = playbook.ungrantedExceptions(under: configuration.policy.exceptions).first else {
      return
    }
    throw CommandFailure(
      .declined, "the playbook \(playbook.id) is not permitted here", because: missing.because,
      fix: "when that is wanted, in \(configuration.file): \(missing.grant)")
  }

  /// What expressions may ask about targets and incidents.
  func facts() throws -> TargetFacts {
    var incidents: [IncidentID: TargetFacts.IncidentFacts] = [:]
    try journal.forEachEvent(kinds: [.incidentOpened, .incidentUpdated]) { event in
      guard let id = event.incident else { return }
      // What the report claims, and what the repository's own history showed (``LeakIntroduction``).
      let committed =
        (event.body["locations"]?.array ?? []).map { $0["committed"] }
        + [event.body["introduction"]?["authored"]]
      let first = committed.compactMap { $0?.string.flatMap(Timestamp.date) }.min()
      let detected = event.body["detected"]?.string.flatMap(Timestamp.date) ?? event.at
      let earlier = incidents[id]
      incidents[id] = TargetFacts.IncidentFacts(
        codename: event.body["codename"]?.string ?? earlier?.codename ?? id.rawValue,
        kind: CredentialKind(event.body["kind"]?.string ?? earlier?.kind.rawValue ?? "unknown"),
        severity: event.body["severity"]?.string.flatMap(Severity.init) ?? earlier?.severity ?? .sev3,
        firstSeen: [earlier?.firstSeen, first].compactMap { $0 }.min(),
        detected: earlier?.detected ?? detected)
    }
    return TargetFacts(configuration: configuration, targets: targets, incidents: incidents)
  }

  /// Reads the world and says what `playbook` would do.
  func planner() throws -> Planner {
    Planner(actions: actions, secrets: journal, attributes: try facts(), progress: progress)
  }
}

extension Configuration.Policy {
  /// What `approvals:` asks for, when `identity` begins the run: the same for a plan and for a command by hand.
  func planRule(for identity: LocalIdentity) -> ApprovalRule {
    ApprovalRule(
      roles: Set(approvalRoles.map { RoleName($0) }), minimum: minimumApprovals,
      notBy: notInitiator ? identity.fingerprint : nil)
  }
}
