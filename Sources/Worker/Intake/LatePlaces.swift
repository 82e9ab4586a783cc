import Capabilities
import Chronicle
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Response
import StaunchConfiguration

/// Places of a secret that came after its plan: those in a repository whose rewrite is still to come are cleaned with it; for
/// the others a plan is made that cleans history and rotates nothing. Derived from the journal.
final class LatePlaces {
  /// What one incident's running plan does not reach.
  struct Missed: Sendable {
    let incident: IncidentID
    let leaked: [SecretRef]
    let repositories: [RepositoryName]
    let body: [JSONValue]
  }

  static let playbook: PlaybookID = "clean-history"

  private let installation: Installation
  private let chronicle: FollowedChronicle
  private var found: [IncidentID: Gathered] = [:]
  /// Those of ``found`` with a place that no plan cleans: a look goes over these alone.
  private var missing: Set<IncidentID> = []
  /// What was heard and not looked at: a plan is read from the journal, and not while the journal is read.
  private var heard: [(event: JournalEvent, change: Chronicle.Change)] = []
  /// The repositories that a saved plan cleans, by its run.
  private var plans: [RunID: [RepositoryName]] = [:]
  /// Names by which reports call the repositories of staunch.yaml, in lower case.
  private let names: [String: RepositoryName]

  /// - Parameter chronicle: not looked at yet, so that nothing is missed.
  init(installation: Installation, chronicle: FollowedChronicle) {
    self.installation = installation
    self.chronicle = chronicle
    names = Self.aliases(in: installation.configuration)
    chronicle.listen { [weak self] event, change in
      guard LatePlaces.kinds.contains(event.kind), change.incident != nil else { return }
      self?.heard.append((event, change))
    }
  }

  private static let kinds: Set<EventKind> = [
    .incidentOpened, .incidentUpdated, .secretSealed, .planSaved, .stepOutcome, .runEnded,
  ]

  /// Which places of one incident were named, and which its plans reach.
  fileprivate struct Gathered {
    /// The last event that named a new place in a repository.
    var named: [RepositoryName: Int] = [:]
    /// Runs with the repositories of their plan, in its order, and what they have rewritten by which event.
    var runs: [RunID: (repositories: [RepositoryName], rewritten: [RepositoryName: Int])] = [:]
  }

  /// Incidents with a plan, and the repositories that none of their plans cleans any more.
  func missed() throws -> [Missed] {
    let known = try chronicle.current()
    try lookAtWhatWasHeard()
    return missing.compactMap { id -> Missed? in
      guard let entry = found[id], let course = known.incidents[id], !course.isClosed,
        !course.values.refs.isEmpty
      else { return nil }
      let missed = entry.missed
      return Missed(
        incident: id, leaked: course.values.refs, repositories: missed.keys.sorted(), body: course.bodies)
    }.sorted { $0.incident < $1.incident }
  }

  private func lookAtWhatWasHeard() throws {
    for (event, _) in heard {
      if case .planSaved(let saved) = event.typed, let id = saved.plan { try note(plan: id.rawValue) }
    }
    let news = heard
    heard = []
    for (event, change) in news {
      add(event, change)
      for id in change.gone { missing.remove(id) }
      guard let id = change.incident else { continue }
      if found[id]?.missed.isEmpty == false { missing.insert(id) } else { missing.remove(id) }
    }
  }

  private func note(plan id: String) throws {
    let saved: SavedPlan
    do throws(JournalError) { saved = try installation.journal.plan(id) } catch {
      guard error.code == .notFound || error.code == .corrupt else { throw error }
      return  // pruned, or damaged: nothing of it is still to come
    }
    let plan: Plan
    do { plan = try Plan(json: saved.document) } catch {
      installation.voice.say("\(id): cannot be read, and cleans nothing")
      return
    }
    var names: [RepositoryName] = []
    if case .list(let values)? = plan.inputs["repositories"] {
      for case .repository(let name) in values { names.append(name) }
    }
    plans[plan.run] = names
  }

  private func add(_ event: JournalEvent, _ change: Chronicle.Change) {
    guard let id = change.incident else { return }
    var entry = found[id] ?? Gathered()
    switch event.typed {
    case .incidentOpened, .incidentUpdated:
      for other in change.gone {
        if let gone = found.removeValue(forKey: other) { entry.join(gone) }
      }
      for place in change.places {
        for word in place.repositoryWords {
          if let name = names[word.lowercased()] { entry.named[name] = event.sequence }
        }
      }
    case .secretSealed:
      // Another value needs a whole plan, which then chooses its own places: nothing is late before it is made.
      if change.bringsValue { entry.runs = [:] }
    case .planSaved(let saved):
      // Which of the places before the first plan are cleaned was that plan's choice.
      if entry.runs.isEmpty { entry.named = [:] }
      if let run = saved.run, let repositories = plans[run] { entry.runs[run] = (repositories, [:]) }
    case .stepOutcome(let outcome) where outcome.action == ActionSignature.historyRewrite.id:
      guard let run = event.run, let repositories = entry.runs[run]?.repositories,
        let item = outcome.item, repositories.indices.contains(item)
      else { break }
      entry.runs[run]?.rewritten[repositories[item]] = event.sequence
    case .runEnded(let end) where end.state == .aborted:
      if let run = event.run { entry.runs[run] = nil }
    default: break  // the same kinds about something else
    }
    found[id] = entry
  }

  /// Plans the cleaning of what was missed. It waits for a person, like every rewrite of history.
  func plan(_ missed: Missed) async throws -> Plan? {
    guard let incident = Incident(id: missed.incident, journalled: missed.body),
      case .route(let route) = Routing(configuration: installation.configuration).choice(for: incident),
      route.autonomy != .record
    else { return nil }
    let playbook = try installation.library.load(Self.playbook, catalogue: ActionSignature.builtin)
    var inputs: [String: Value] = [
      "incident": .incident(missed.incident), "leaked": .list(missed.leaked.map { .secret($0) }),
      "repositories": .list(missed.repositories.map { .repository($0) }),
    ]
    inputs["tracker"] = .tracker(route.tracker ?? Configuration.localTracker)
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
  /// What none of its plans cleans; nothing before it has a plan.
  fileprivate var missed: [RepositoryName: Int] {
    runs.isEmpty ? [:] : named.filter { name, sequence in !isCleaned(name, after: sequence) }
  }

  /// A rewrite of the repository came, or is still to come, after this event.
  fileprivate func isCleaned(_ name: RepositoryName, after sequence: Int) -> Bool {
    runs.values.contains { run in
      guard run.repositories.contains(name) else { return false }
      return run.rewritten[name].map { $0 > sequence } ?? true
    }
  }

  fileprivate mutating func join(_ other: Self) {
    named.merge(other.named) { max($0, $1) }
    runs.merge(other.runs) { own, _ in own }
  }
}
