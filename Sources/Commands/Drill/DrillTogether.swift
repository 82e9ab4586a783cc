import Capabilities
import Execution
import Incidents
import Playbooks
import Response
import StaunchConfiguration

/// One run for two leaks of one place, as a person plans it with `staunch plan PLAYBOOK --input …`.
struct DrillTogether {
  let playbook: String
  let installation: Installation

  /// A leak with what its route and its entry of staunch.yaml say.
  struct Side {
    let entry: IncidentDesk.Entry
    let route: Configuration.Route
    let credential: CredentialName
    let store: StoreName
    let consumers: [ConsumerName]
  }

  /// The two sides; first the one whose route comes first in staunch.yaml. Nil: they are not two, or a route names too little.
  func pair(_ entries: [IncidentDesk.Entry]) -> (first: Side, other: Side)? {
    let sides = entries.compactMap(side).sorted { $0.place < $1.place }.map(\.side)
    guard entries.count == 2, sides.count == 2 else { return nil }
    return (sides[0], sides[1])
  }

  private func side(_ entry: IncidentDesk.Entry) -> (place: Int, side: Side)? {
    let configuration = installation.configuration
    guard let route = Routing(configuration: configuration).route(for: entry.incident),
      let place = configuration.routes.firstIndex(where: { $0.position == route.position }),
      let credential = route.credential, let target = configuration.credentials[credential],
      let store = route.store ?? target.store
    else { return nil }
    return (
      place,
      Side(
        entry: entry, route: route, credential: credential, store: store,
        consumers: route.consumers ?? target.consumers)
    )
  }

  func plan(_ first: Side, _ other: Side) async throws -> Plan {
    let repositories = first.route.targets
    try await LeakIntroduction(installation: installation).record(
      first.entry.id, leaked: first.entry.leaked, repositories: repositories)
    let consumers = first.consumers + other.consumers.filter { !first.consumers.contains($0) }
    return try await PlanMaker(installation: installation).plan(
      try installation.library.load(PlaybookID(playbook), catalogue: ActionSignature.builtin),
      inputs: [
        "incident": .incident(first.entry.id), "credential": .credential(first.credential),
        "leaked": .list(first.entry.leaked.map { .secret($0) }), "store": .store(first.store),
        "other": .credential(other.credential),
        "other_leaked": .list(other.entry.leaked.map { .secret($0) }), "other_store": .store(other.store),
        "consumers": .list(consumers.map { .consumer($0) }),
        "repositories": .list(repositories.map { .repository($0) }),
        "tracker": .tracker(first.route.tracker ?? Configuration.localTracker),
      ], incident: first.entry.id)
  }
}
