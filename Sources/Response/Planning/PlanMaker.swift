import JSON
package import Capabilities
import Chronicle
import StaunchConfiguration
package import Execution
import Foundation
package import Incidents
import Journal
package import Playbooks

/// Makes the plan of an incident from its route: the playbook, with the targets that staunch.yaml names.
package struct PlanMaker {
  package let installation: Installation
  package let strangers = Strangers()

  package init(installation: Installation) {
    self.installation = installation
  }

  /// What came of an incident.
  package enum Outcome: Sendable {
    case planned(Plan)
    /// No plan, and why, with the next command.
    case recorded(because: String, next: String)
  }

  /// - Parameter credential: overrides the route's.
  package func plan(_ entry: IncidentDesk.Entry, credential: CredentialName?) async throws -> Outcome {
    if entry.state == .ignored {
      return .recorded(
        because: "the incident is closed, and these places are older than that",
        next: "when it is back in use: staunch show \(entry.id)")
    }
    guard !entry.leaked.isEmpty else {
      return .recorded(
        because: Restraint.missingValue.because,
        next: try stoppable(entry)
          ?? entry.incident.next ?? "give a report that holds the value to staunch respond")
    }
    if let restraint = entry.incident.restraint, restraint.isAbsolute {
      return .recorded(
        because: restraint.because,
        next: "tell a person, and note it: staunch note 'a person was told' --incident \(entry.id)")
    }
    if let credential, installation.configuration.credentials[credential] == nil {
      throw Refusal.noCredential(credential, in: installation.configuration)
    }
    let leak = try described(entry)
    let routing = Routing(configuration: installation.configuration)
    if let refusal = refusal(of: credential, for: leak) { return refusal }
    let earlier = entry.isNew ? nil : try EarlierPlans(of: entry.id, in: installation.journal)
    // The plans that may answer a report that brings nothing; those whose run works on it, where nobody says whose it is.
    let standing = entry.isNews ? nil : earlier
    let working = credential == nil ? standing : nil
    let worked = try credential == nil ? entryWorkedOn(earlier, for: leak) : nil
    let match = IdentityMatch(configuration: installation.configuration, targets: installation.targets)
    // For a kind that no entry is for, only the person who named one could tell.
    let said = credential ?? (match.candidates(for: leak).isEmpty ? worked : nil)
    let route: Configuration.Route
    switch routing.choice(for: leak, said) {
    case .route(let found): route = found
    case .misfit(let found, let contradiction):
      // A person who names the credential has answered which one it is.
      guard said != nil || worked == found.credential else {
        return try underWay(found.playbook, working) ?? asking(found, contradiction, leak)
      }
      route = found
    }
    // Before anybody is asked whose it is: that was found out for the run.
    if let answer = try underWay(route.playbook, working) { return answer }
    if route.autonomy == .record {
      return .recorded(
        because: "the route at \(route.position) only records",
        next:
          "plan it yourself with staunch plan \(route.playbook) --input incident=\(entry.id), and an --input for each further one of the playbook"
      )
    }
    var playbook = try installation.library.load(route.playbook, catalogue: ActionSignature.builtin)
    let named: Configuration.Route
    switch try await chosen(route, said, for: leak, entry, playbook, worked: worked) {
    case .route(let found): named = found
    case .asks(let outcome): return outcome
    }
    if named.playbook != playbook.id {
      if let answer = try underWay(named.playbook, working) { return answer }
      playbook = try installation.library.load(named.playbook, catalogue: ActionSignature.builtin)
    }
    if said == nil,
      let (because, fix) = RouteInputs.problem(playbook, named, installation.configuration)
    {
      throw Refusal(.configuration, "\(entry.id) cannot be planned", because: because, fix: fix)
    }
    try await LeakIntroduction(installation: installation).record(
      entry.id, leaked: entry.leaked, repositories: repositories(of: entry.incident, route))
    let inputs = inputs(of: playbook, entry: entry, route: named, credential: said)
    // Nobody said where clones are: which one a report's repository is, only what is done by hand can show.
    let isBare = named.isStandard && installation.configuration.repositories.isEmpty
    return .planned(
      try await plan(
        playbook, inputs: inputs, incident: entry.id, comparesRepositories: !isBare,
        unless: standing?.standing(of: playbook.id)?.plan))
  }

  /// The plan of this playbook whose run works on the incident: the answer to a report that brings nothing.
  private func underWay(_ playbook: PlaybookID, _ earlier: EarlierPlans?) throws -> Outcome? {
    guard let last = try earlier?.standing(of: playbook), last.isUnderWay else { return nil }
    return .planned(last.plan)
  }

  /// The entry of staunch.yaml that a run of the incident has worked on.
  private func entryWorkedOn(_ earlier: EarlierPlans?, for leak: Incident) throws -> CredentialName? {
    guard let name = try earlier?.credential(), installation.configuration.credentials[name] != nil,
      refusal(of: name, for: leak) == nil
    else { return nil }
    return name
  }

  private enum Chosen {
    case route(Configuration.Route)
    case asks(Outcome)
  }

  /// The route with the credential that the providers say it is. They are asked when more than one could be meant, or the
  /// route names none; a leak that nobody knows any more keeps the route's own, or the one that was worked on.
  private func chosen(
    _ route: Configuration.Route, _ override: CredentialName?, for leak: Incident,
    _ entry: IncidentDesk.Entry, _ playbook: Playbook, worked: CredentialName?
  ) async throws -> Chosen {
    guard override == nil, let input = playbook.inputs.first(where: { $0.name == "credential" }) else {
      return .route(route)
    }
    // A playbook that also works by hand needs none.
    let isNeeded = input.defaultValue == nil && route.credential == nil
    let match = IdentityMatch(configuration: installation.configuration, targets: installation.targets)
    let candidates = match.candidates(for: leak)
    if let own = route.credential, !candidates.contains(own) || candidates.count == 1 { return .route(route) }
    if candidates.isEmpty {
      guard isNeeded else { return .route(route) }
      let entries = match.entries(for: leak)
      guard entries.isEmpty else { return .asks(try unknown(leak, entries)) }
      // The route can plan for nothing of this kind: staunch.yaml is incomplete.
      throw Refusal(
        .configuration, "\(entry.id) cannot be planned",
        because:
          "the playbook \(playbook.id) needs \"credential\", and no entry under credentials: is for \(leak.kind)",
        fix: "add one: \(try readyLine(leak))")
    }
    installation.voice.transient("asking whose it is …")
    defer { installation.voice.endTransient() }
    var route = route
    var known = route
    known.credential = worked
    switch await match.answer(for: leak, values: try entry.leaked.map { try installation.journal.open($0) }) {
    case .one(let name):
      route.credential = name
      return .route(route)
    case .several(let names):
      if let own = route.credential, names.contains(own) { return .route(route) }
      if let worked, names.contains(worked) { return .route(known) }
      return .asks(
        .recorded(
          because: "several entries know it: \(names.map(\.rawValue).joined(separator: ", "))",
          next: "say which one is meant: the same command with --credential \(names[0])"))
    case .none where worked != nil, .undecided where worked != nil: return .route(known)
    case .none(let asked):
      // Of none that staunch can rotate: a person is guided, unless staunch.yaml says what is to be done.
      if route.isStandard {
        strangers.note(asked, for: entry.id)
        return .route(Routing.guided)
      }
      return isNeeded ? .asks(try unknown(leak, asked)) : .route(route)
    case .undecided(let reasons): return isNeeded ? .asks(unasked(reasons)) : .route(route)
    }
  }

  /// Nobody knows it: the lines that staunch.yaml lacks.
  private func unknown(_ leak: Incident, _ asked: [CredentialName]) throws -> Outcome {
    .recorded(
      because: "it is of none of \(asked.map(\.rawValue).joined(separator: ", "))",
      next:
        "add under credentials: \(try readyLine(leak)) (capitals: yours to fill in), then the same command again"
    )
  }

  private func readyLine(_ leak: Incident) throws(CapabilityError) -> String {
    try ReadyEntry(
      kind: leak.kind, handle: leak.handle, taken: Set(installation.configuration.credentials.keys)
    ).line()
  }

  /// Whether it is one of these nobody can say yet.
  private func unasked(_ reasons: [CredentialName: String]) -> Outcome {
    let list = reasons.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }
    let name = reasons.count == 1 ? reasons.keys.first?.rawValue ?? "" : "and its name"
    return .recorded(
      because: "whose it is cannot be told: \(list.joined(separator: ", ")) could not be asked",
      next:
        "say which one it is: the same command with --credential \(name); or see what they lack: staunch doctor"
    )
  }

  /// How to stop a leak of which only the id is known; nil when not exactly one entry can be meant. Nobody is asked: a report
  /// of many ids must not become as many calls, and the command asks before it does anything.
  private func stoppable(_ entry: IncidentDesk.Entry) throws -> String? {
    let leak = try described(entry)
    let match = IdentityMatch(configuration: installation.configuration, targets: installation.targets)
    let candidates = match.candidates(for: leak)
    guard let handle = leak.handle, let name = candidates.first, candidates.count == 1 else { return nil }
    return
      "its id suffices to stop it: staunch credential disable \(name) --id \(Self.shellWord(handle)) --live --confirm \(name)"
  }

  /// A report's text as one word of a command that people paste.
  package static func shellWord(_ text: String) -> String {
    let isPlain = text.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "_.:/@=+-".contains($0))
    }
    return isPlain && !text.hasPrefix("-")
      ? text : "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }

  /// The incident with what the journal knows of it: a report may bring the value alone, and its first one told whose it is.
  private func described(_ entry: IncidentDesk.Entry) throws -> Incident {
    guard entry.incident.handle == nil, !entry.isNew else { return entry.incident }
    let bodies = try installation.journal.record(of: entry.id).events
      .filter { $0.kind == .incidentOpened || $0.kind == .incidentUpdated }.map(\.body)
    return Incident(id: entry.id, journalled: bodies) ?? entry.incident
  }

  /// Which credential leaked is a person's to say.
  private func asking(_ route: Configuration.Route, _ why: LeakFit.Contradiction, _ leak: Incident) throws
    -> Outcome
  {
    let handle = leak.handle ?? ""
    let name = route.credential?.rawValue ?? ""
    return try .recorded(
      because: why.because,
      next: why.isOfAnotherAccount
        ? "add an entry for \(handle) under credentials: and a route to it, then the same command again: "
          + "\(readyLine(leak)) (capitals: yours to fill in)"
        : "if that is another name of \(name), write aliases: [\"\(handle)\"] in its entry, or: "
          + "the same command with --credential \(name)")
  }

  /// A value of another account cannot be stopped here, whoever says so: tried at this one, it would look dead at once.
  private func refusal(of credential: CredentialName?, for leak: Incident) -> Outcome? {
    guard let credential,
      let why = LeakFit(configuration: installation.configuration)
        .contradiction(kind: leak.kind, handle: leak.handle, credential),
      why.isOfAnotherAccount
    else { return nil }
    return try .recorded(
      because: why.because,
      next: "add an entry for \(leak.handle ?? "") under credentials: and name that one with --credential")
  }

  /// - Throws: as ``refusal(of:for:)``, for inputs that a person gives.
  private func check(_ inputs: [String: Value], of incident: IncidentID?) throws {
    guard let incident, case .credential(let name)? = inputs["credential"] else { return }
    let identity = try installation.journal.record(of: incident).identity
    guard
      let why = LeakFit(configuration: installation.configuration).contradiction(
        kind: identity.kind, handle: identity.handle, name),
      why.isOfAnotherAccount
    else { return }
    throw Refusal(
      .declined, "\(incident) was not planned", because: why.because,
      fix: "add an entry for it under credentials:, then: staunch plan \(incident)")
  }

  /// Plans and saves. Planning only reads; the plan itself goes into the journal.
  ///
  /// - Parameters:
  ///   - comparesRepositories: names the reported repositories that staunch.yaml does not have.
  ///   - standing: a plan that was not run; it is the answer when nothing in it would be different.
  package func plan(
    _ playbook: Playbook, inputs: [String: Value], incident: IncidentID?, comparesRepositories: Bool = true,
    unless standing: Plan? = nil
  ) async throws -> Plan {
    try installation.permit(playbook)
    try check(inputs, of: incident)
    let planner = try installation.planner(for: inputs)
    if let standing {
      let anew = try await planner.plan(
        playbook, inputs: inputs, incident: incident, id: standing.id, run: standing.run)
      installation.voice.endTransient()
      if anew.digest == standing.digest { return standing }
    }
    let suffix = RandomName.of(8)
    let prefix = installation.configuration.isDrill ? "DRILL-" : ""
    let plan = try await planner.plan(
      playbook, inputs: inputs, incident: incident, id: PlanID("\(prefix)plan-\(suffix)"),
      run: RunID("\(prefix)run-\(suffix)"))
    installation.voice.endTransient()
    try plan.save(
      in: installation.journal, unlisted: comparesRepositories ? incident.map(unlisted) : nil)
    return plan
  }

  /// Repositories that the incident was reported in and that staunch.yaml does not name: no plan cleans them.
  private func unlisted(_ incident: IncidentID) throws -> [String] {
    let listed = Set(
      installation.configuration.repositories.values.flatMap { repository in
        ([repository.name.rawValue] + repository.aliases).map { $0.lowercased() }
      })
    let record = try installation.journal.record(of: incident)
    let words = record.events.filter { $0.kind == .incidentOpened || $0.kind == .incidentUpdated }
      .flatMap { IncidentReport($0.body).places }.map(\.repositoryWords)
    let missing = words.filter { names in !names.contains { listed.contains($0.lowercased()) } }
    return Set(missing.compactMap(\.first)).sorted()
  }

  /// Everything of the route that the playbook declares as an input.
  private func inputs(
    of playbook: Playbook, entry: IncidentDesk.Entry, route: Configuration.Route,
    credential override: CredentialName?
  ) -> [String: Value] {
    let name = override ?? route.credential
    let target = name.flatMap { installation.configuration.credentials[$0] }
    var offered: [String: Value] = [
      "incident": .incident(entry.id), "leaked": .list(entry.leaked.map { .secret($0) }),
    ]
    offered["credential"] = name.map { .credential($0) }
    offered["store"] = (route.store ?? target?.store).map { .store($0) }
    offered["consumers"] = .list((route.consumers ?? target?.consumers ?? []).map { .consumer($0) })
    offered["repositories"] = .list(repositories(of: entry.incident, route).map { .repository($0) })
    offered["tracker"] = .tracker(route.tracker ?? Configuration.localTracker)
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
