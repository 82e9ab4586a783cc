package import Capabilities
import Chronicle
package import StaunchConfiguration
package import Execution
package import Foundation
package import Incidents
package import Journal
package import Playbooks
package import Secrets

/// One installation at work: configuration, journal, targets and actions, built once for a command.
package struct Installation: Sendable {
  /// The role in which a policy signs.
  package static let policyRole: RoleName = "policy"

  package let configuration: Configuration
  package let journal: Journal
  package let targets: Targets
  package let actions: [String: AnyAction]
  package let library: PlaybookLibrary
  package let policy: ExecutionPolicy
  package let identity: LocalIdentity
  package let progress: any ProgressSink
  package let postMortems: PostMortemFile
  package let sources: PlatformSources
  package let ticketHeads: TicketComparison
  package let introductions: any LeakIntroductions
  /// Where people read what goes on.
  package let voice: any Voice
  package let redactor: Redactor
  /// The state directory.
  package let statePath: String
  package let now: @Sendable () -> Date
  /// Where a test kills the process; each engine counts for itself.
  package let crashPoint: @Sendable () -> CrashPointHook

  package init(
    configuration: Configuration,
    journal: Journal,
    targets: Targets,
    actions: [String: AnyAction],
    library: PlaybookLibrary,
    policy: ExecutionPolicy,
    identity: LocalIdentity,
    progress: any ProgressSink,
    postMortems: PostMortemFile,
    sources: PlatformSources,
    ticketHeads: TicketComparison,
    introductions: any LeakIntroductions,
    voice: any Voice,
    redactor: Redactor,
    statePath: String,
    now: @escaping @Sendable () -> Date,
    crashPoint: @escaping @Sendable () -> CrashPointHook
  ) {
    self.configuration = configuration
    self.journal = journal
    self.targets = targets
    self.actions = actions
    self.library = library
    self.policy = policy
    self.identity = identity
    self.progress = progress
    self.postMortems = postMortems
    self.sources = sources
    self.ticketHeads = ticketHeads
    self.introductions = introductions
    self.voice = voice
    self.redactor = redactor
    self.statePath = statePath
    self.now = now
    self.crashPoint = crashPoint
  }

  /// Everybody whose signed yes counts, by the ``TrustStore``, and what `policy:` asks for.
  package static func policy(_ configuration: Configuration, identity: LocalIdentity, state: StateDirectory)
    throws -> ExecutionPolicy
  {
    let store = TrustStore(state)
    let policy = configuration.policy
    var trusted = try store.people(policy)
    let alone = configuration.routes.reduce(into: Set<String>()) { $0.formUnion($1.actions) }
    if !alone.isEmpty { trusted.append(try store.policy(alone)) }
    return ExecutionPolicy(trusted: trusted, planRule: policy.planRule(for: identity))
  }

  /// Refuses a playbook that claims an exception from the rules that `policy:` does not grant.
  package func permit(_ playbook: Playbook) throws {
    guard let missing = playbook.ungrantedExceptions(under: configuration.policy.exceptions).first else {
      return
    }
    throw Refusal(
      .declined, "the playbook \(playbook.id) is not permitted here", because: missing.because,
      fix: "when that is wanted, in \(configuration.file): \(missing.grant)")
  }

  /// What expressions may ask about targets, and about the incidents that `inputs` name. The journal is read for those alone: a
  /// plan costs the same among ten incidents and among ten thousand.
  package func facts(about inputs: [String: Value]) throws -> TargetFacts {
    var incidents: [IncidentID: TargetFacts.IncidentFacts] = [:]
    for named in Set(inputs.values.flatMap(\.incidents)) {
      let record = try journal.record(of: named)
      guard let course = Chronicle(of: record.events)[named]?.course else { continue }
      incidents[named] = TargetFacts.IncidentFacts(
        codename: course.identity.codename(of: record.id), kind: course.identity.kind,
        severity: course.identity.severity ?? .sev3, firstSeen: course.firstSeen,
        detected: course.detected ?? .distantPast)
    }
    return TargetFacts(configuration: configuration, targets: targets, incidents: incidents)
  }

  /// Reads the world and says what a playbook would do with `inputs`.
  package func planner(for inputs: [String: Value]) throws -> Planner {
    Planner(actions: actions, secrets: journal, attributes: try facts(about: inputs), progress: progress)
  }
}

extension Configuration.Policy {
  /// What `approvals:` asks for, when `identity` begins the run: the same for a plan and for a command by hand.
  package func planRule(for identity: LocalIdentity) -> ApprovalRule {
    ApprovalRule(
      roles: Set(approvalRoles.map { RoleName($0) }), minimum: minimumApprovals,
      notBy: notInitiator ? identity.fingerprint : nil)
  }
}
