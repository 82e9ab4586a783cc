import Capabilities
import StaunchConfiguration
import Execution
import Incidents
import Journal
import Playbooks

/// Makes the plan of an incident from its route: the playbook, with the targets that staunch.yaml names.
struct PlanMaker {
  let installation: Installation

  /// What came of an incident.
  enum Outcome {
    case planned(Plan)
    /// No plan, and why, with the next command.
    case recorded(because: String, next: String)
  }

  /// - Parameter credential: overrides the route's.
  func plan(_ entry: IncidentDesk.Entry, credential: CredentialName?) async throws -> Outcome {
    if entry.state == .ignored {
      return .recorded(
        because: "the incident is closed, and these places are older than that",
        next: "when it is back in use: staunch show \(entry.id)")
    }
    guard let leaked = entry.leaked else {
      return .recorded(
        because: Restraint.missingValue.because,
        next: entry.incident.next ?? "give a report that holds the value: staunch respond REPORT")
    }
    if let restraint = entry.incident.restraint, restraint.isAbsolute {
      return .recorded(
        because: restraint.because, next: "tell a person: staunch note \"…\" --incident \(entry.id)")
    }
    guard let route = Routing(configuration: installation.configuration).route(for: entry.incident) else {
      return .recorded(
        because: "no route of staunch.yaml fits \(entry.incident.kind)",
        next: "add a route for {kind: \(entry.incident.kind)}, then the same command again")
    }
    if route.autonomy == .record {
      return .recorded(
        because: "the route at \(route.position) only records",
        next:
          "plan it yourself: staunch plan \(route.playbook) --input incident=\(entry.id) --input NAME=VALUE …"
      )
    }
    let playbook = try installation.library.load(route.playbook, catalogue: ActionSignature.builtin)
    if credential == nil,
      let (because, fix) = RouteInputs.problem(playbook, route, installation.configuration)
    {
      throw CommandFailure(.configuration, "\(entry.id) cannot be planned", because: because, fix: fix)
    }
    try await LeakIntroduction(installation: installation).record(
      entry.id, leaked: leaked, repositories: repositories(of: entry.incident, route))
    let inputs = inputs(of: playbook, entry: entry, leaked: leaked, route: route, credential: credential)
    return .planned(try await plan(playbook, inputs: inputs, incident: entry.id))
  }

  /// Plans and saves. Planning only reads; the plan itself goes into the journal.
  func plan(_ playbook: Playbook, inputs: [String: Value], incident: IncidentID?) async throws -> Plan {
    try installation.permit(playbook)
    let suffix = Assembly.randomName(8)
    let prefix = installation.configuration.isDrill ? "DRILL-" : ""
    let plan = try await installation.planner().plan(
      playbook, inputs: inputs, incident: incident, id: PlanID("\(prefix)plan-\(suffix)"),
      run: RunID("\(prefix)run-\(suffix)"))
    installation.assembly.console.endTransient()
    try plan.save(in: installation.journal)
    return plan
  }

  /// Everything of the route that the playbook declares as an input.
  private func inputs(
    of playbook: Playbook, entry: IncidentDesk.Entry, leaked: SecretRef, route: Configuration.Route,
    credential override: CredentialName?
  ) -> [String: Value] {
    let name = override ?? route.credential
    let target = name.flatMap { installation.configuration.credentials[$0] }
    var offered: [String: Value] = ["incident": .incident(entry.id), "leaked": .secret(leaked)]
    offered["credential"] = name.map { .credential($0) }
    offered["store"] = (route.store ?? target?.store).map { .store($0) }
    offered["consumers"] = .list((route.consumers ?? target?.consumers ?? []).map { .consumer($0) })
    offered["repositories"] = .list(repositories(of: entry.incident, route).map { .repository($0) })
    offered["tracker"] = route.tracker.map { .tracker($0) }
    let declared = Set(playbook.inputs.map(\.name))
    return offered.filter { declared.contains($0.key) }
  }

  /// The route's repositories; without any, those of staunch.yaml that the report names.
  private func repositories(of incident: Incident, _ route: Configuration.Route) -> [RepositoryName] {
    if !route.targets.isEmpty { return route.targets }
    let reported = Set(incident.repositories.map { $0.lowercased() })
    return installation.configuration.repositories.values
      .filter { repository in
        ([repository.name.rawValue] + repository.aliases).contains { reported.contains($0.lowercased()) }
      }
      .map(\.name).sorted()
  }
}
