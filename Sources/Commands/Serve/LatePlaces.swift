import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import StaunchConfiguration

/// Places of a secret that came after its plan: those in a repository whose rewrite is still to come are cleaned with it; for
/// the others a plan is made that cleans history and rotates nothing. Derived from the journal.
final class LatePlaces {
  /// What one incident's running plan does not reach.
  struct Missed {
    let incident: IncidentID
    let leaked: [SecretRef]
    let repositories: [RepositoryName]
    let body: [JSONValue]
  }

  static let playbook: PlaybookID = "clean-history"

  private let installation: Installation
  private var found: [IncidentID: Gathered] = [:]
  private var merged = MergedIncidents()
  private var follower = JournalFollower()
  /// The repositories that a saved plan cleans, by its run.
  private var plans: [RunID: [RepositoryName]] = [:]
  /// Names by which reports call the repositories of staunch.yaml, in lower case.
  private let names: [String: RepositoryName]

  init(installation: Installation) {
    self.installation = installation
    names = Self.aliases(in: installation.configuration)
  }

  /// What the journal says about one incident.
  fileprivate struct Gathered {
    /// Of its reports, by their events.
    var reports: [Int: JSONValue] = [:]
    var values = LeakedValues()
    var isClosed = false
    /// The last event that named a new place in a repository.
    var named: [RepositoryName: Int] = [:]
    var known: Set<String> = []
    /// Runs with the repositories of their plan, in its order, and what they have rewritten by which event.
    var runs: [RunID: (repositories: [RepositoryName], rewritten: [RepositoryName: Int])] = [:]
  }

  /// Incidents with a plan, and the repositories that none of their plans cleans any more.
  func missed() throws -> [Missed] {
    try follow()
    return found.compactMap { id, entry -> Missed? in
      guard !entry.isClosed, !entry.runs.isEmpty, !entry.values.refs.isEmpty else { return nil }
      let missed = entry.named.filter { name, sequence in !entry.isCleaned(name, after: sequence) }
      guard !missed.isEmpty else { return nil }
      return Missed(
        incident: id, leaked: entry.values.refs, repositories: missed.keys.sorted(),
        body: entry.reports.sorted { $0.key < $1.key }.map(\.value))
    }.sorted { $0.incident < $1.incident }
  }

  private func follow() throws {
    let kinds: Set<EventKind> = [
      .incidentOpened, .incidentUpdated, .incidentState, .secretSealed, .keyDestroyed, .planSaved,
      .stepOutcome,
      .runEnded,
    ]
    var events: [JournalEvent] = []
    try follower.follow(installation.journal, kinds: kinds) { events.append($0) }
    for event in events {
      if event.kind == .planSaved, let id = event.body["plan"]?.string { try note(plan: id) }
      add(event)
    }
  }

  private func note(plan id: String) throws {
    let saved: SavedPlan
    do throws(JournalError) { saved = try installation.journal.plan(id) } catch {
      guard error.code == .notFound else { throw error }
      return  // pruned: nothing of it is still to come
    }
    let plan = try Plan(json: saved.document)
    var names: [RepositoryName] = []
    if case .list(let values)? = plan.inputs["repositories"] {
      for case .repository(let name) in values { names.append(name) }
    }
    plans[plan.run] = names
  }

  private func add(_ event: JournalEvent) {
    guard let named = event.incident else { return }
    let id = merged.owner(of: named)
    var entry = found[id] ?? Gathered()
    switch event.kind {
    case .incidentOpened, .incidentUpdated:
      for other in event.mergedIncidents {
        if let gone = merged.merge(other, into: id).flatMap({ found.removeValue(forKey: $0) }) {
          entry.join(gone)
        }
      }
      entry.values.take(event)
      if event.body["key"] != nil { entry.reports[event.sequence] = event.body }
      for place in event.body["locations"]?.array ?? [] {
        guard let key = place["key"]?.string, entry.known.insert(key).inserted else { continue }
        for word in [place["repository"]?["name"]?.string, place["repository"]?["id"]?.string] {
          if let name = word.flatMap({ names[$0.lowercased()] }) { entry.named[name] = event.sequence }
        }
      }
    case .keyDestroyed: entry.values.take(event)
    case .secretSealed:
      // Another value needs a whole plan, which then chooses its own places: nothing is late before it is made.
      if entry.values.take(event) { entry.runs = [:] }
    case .planSaved:
      // Which of the places before the first plan are cleaned was that plan's choice.
      if entry.runs.isEmpty { entry.named = [:] }
      if let run = event.body["run"]?.string.map({ RunID($0) }), let repositories = plans[run] {
        entry.runs[run] = (repositories, [:])
      }
    case .stepOutcome where event.body["action"]?.string == ActionSignature.historyRewrite.id:
      guard let run = event.run, let repositories = entry.runs[run]?.repositories,
        let item = event.body["item"]?.integer, repositories.indices.contains(item)
      else { break }
      entry.runs[run]?.rewritten[repositories[item]] = event.sequence
    case .runEnded where event.body["state"]?.string == "aborted":
      if let run = event.run { entry.runs[run] = nil }
    case .incidentState: entry.isClosed = event.body["state"]?.string == "closed"
    default: break  // the same kinds about something else
    }
    found[id] = entry
  }

  /// Plans the cleaning of what was missed. It waits for a person, like every rewrite of history.
  func plan(_ missed: Missed) async throws -> Plan? {
    guard let incident = Incident(id: missed.incident, journalled: missed.body),
      let route = Routing(configuration: installation.configuration).route(for: incident),
      route.autonomy != .record
    else { return nil }
    let playbook = try installation.library.load(Self.playbook, catalogue: ActionSignature.builtin)
    var inputs: [String: Value] = [
      "incident": .incident(missed.incident), "leaked": .list(missed.leaked.map { .secret($0) }),
      "repositories": .list(missed.repositories.map { .repository($0) }),
    ]
    inputs["tracker"] = route.tracker.map { .tracker($0) }
    inputs["credential"] = route.credential.map { .credential($0) }
    return try await PlanMaker(installation: installation).plan(
      playbook, inputs: inputs, incident: missed.incident)
  }

  /// Names by which reports call the repositories of staunch.yaml, in lower case.
  private static func aliases(in configuration: Configuration) -> [String: RepositoryName] {
    var names: [String: RepositoryName] = [:]
    for repository in configuration.repositories.values {
      for name in [repository.name.rawValue] + repository.aliases {
        names[name.lowercased()] = repository.name
      }
    }
    return names
  }
}

extension LatePlaces.Gathered {
  /// A rewrite of the repository came, or is still to come, after this event.
  fileprivate func isCleaned(_ name: RepositoryName, after sequence: Int) -> Bool {
    runs.values.contains { run in
      guard run.repositories.contains(name) else { return false }
      return run.rewritten[name].map { $0 > sequence } ?? true
    }
  }

  fileprivate mutating func join(_ other: Self) {
    reports.merge(other.reports) { own, _ in own }
    values.join(other.values)
    known.formUnion(other.known)
    named.merge(other.named) { max($0, $1) }
    runs.merge(other.runs) { own, _ in own }
  }
}
