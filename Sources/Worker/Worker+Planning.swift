import Capabilities
import Chronicle
import Execution
import Foundation
import Incidents
import Journal
import Response
import StaunchConfiguration

// Incidents → plans, and the policy's word for them.
extension Worker {
  /// Incidents whose time has come, each as a job; nothing while a storm is held, but what it does not hold back.
  func findPlans() throws -> Turn {
    try fault(.followJournal, "")
    let waiting = try desks.waiting.all()
    sayUnreadable()
    let desk = StartDesk(installation: installation)
    try checkStorm(waiting, desk)
    let isStorm = try desks.storm.isHeld()
    try approveByPolicy()
    // From here on nothing throws: what is noted as begun is begun.
    var turn = Turn(jobs: isStorm ? [] : try findLatePlans())
    for entry in waiting where isOpenToPlan(entry) && (!isStorm || entry.isUrgent) {
      let id = entry.incident.id
      switch desk.start(of: entry) {
      case .at(let date) where date > now(): becomesDue(.planning, date)
      case .notByItself:
        desks.notices.decided(id, .recorded(because: Self.restraint(of: entry)))
        considered[id] = entry.sequence
      case .now, .at:
        // The end of one of those that are being made looks again.
        guard planning.count < Self.plansAtOnce else { break }
        planning[id] = now()
        turn.jobs.append(Job { await self.plan(entry) })
      }
    }
    becomesDue(.planning, planTroubles.next(after: now()))
    becomesDue(.planning, containTroubles.next(after: now()))
    return turn
  }

  /// It was not looked at since its last event, or its trouble's pause is over; and nobody is at it.
  private func isOpenToPlan(_ entry: StartDesk.Waiting) -> Bool {
    let id = entry.incident.id
    guard planning[id] == nil, !arriving.contains(id), !planTroubles.holds(id, at: now()) else {
      return false
    }
    return considered[id] != entry.sequence || planTroubles.isDue(id, at: now())
  }

  /// Rotations that wait for their start, by provider: not those that nobody has found a way to start, nor those that a person has
  /// looked at and released.
  private func checkStorm(_ waiting: [StartDesk.Waiting], _ desk: StartDesk) throws {
    try fault(.checkStorm, "")
    guard try !desks.storm.isHeld() else { return }
    let released = try desks.storm.lastRelease()
    let routing = Routing(configuration: installation.configuration)
    var rotations: [String: Int] = [:]
    for entry in waiting where entry.opened > released && considered[entry.incident.id] != entry.sequence {
      guard let provider = entry.incident.provider, !entry.leaked.isEmpty, entry.incident.restraint == nil,
        case .route(let route) = routing.choice(for: entry.incident), route.autonomy != .record
      else { continue }
      rotations[provider, default: 0] += 1
    }
    try desks.storm.check(new: 0, waiting: rotations, now: now())
  }

  /// Why nothing starts by itself.
  private static func restraint(of entry: StartDesk.Waiting) -> String {
    entry.incident.restraint?.because ?? "the reporter has seen the credential refused"
  }

  private func plan(_ entry: StartDesk.Waiting) async {
    let id = entry.incident.id
    do {
      try fault(.plan, id.rawValue)
      switch try await Self.outcome(of: entry.entry, in: installation) {
      case .planned(let plan):
        installation.voice.say("\(id): planned \(plan.id)")
        toContain[id] = (plan, entry.incident)
      case .recorded(let because, _):
        installation.voice.say("\(id): recorded only: \(harmless(because))")
        desks.notices.decided(id, entry.leaked.isEmpty ? .waitsForValue : .recorded(because: because))
      }
      planTroubles.clear(id)
      considered[id] = entry.sequence
    } catch {
      if !Self.isCancellation(error) {
        let (because, fix) = note(error, of: "\(id)", in: &planTroubles, id)
        desks.notices.decided(id, .failed(because: because, fix: fix))
        considered[id] = entry.sequence
      }
    }
    planning[id] = nil
    // There is a place for another one.
    becomesDue(.planning, now())
    do { try approveByPolicy() } catch {
      becomesDue(.planning, now())  // the disk is full, for example: the lane finds the same, and says it
    }
  }

  /// Providers are asked, files are read: not on the worker's own queue.
  @concurrent
  private static func outcome(of entry: IncidentDesk.Entry, in installation: Installation) async throws
    -> PlanMaker.Outcome
  {
    try await PlanMaker(installation: installation).plan(entry, credential: nil)
  }

  /// The policy's word for plans whose route lets it. Dead between a plan and that word, the worker leaves the plan to a person.
  private func approveByPolicy() throws {
    for (id, made) in toContain where !containTroubles.holds(id, at: now()) {
      do {
        try fault(.approveByPolicy, id.rawValue)
        _ = try StartDesk(installation: installation).contain(made.plan, of: made.incident, now: now())
        toContain[id] = nil
        containTroubles.clear(id)
      } catch  where !Self.isEverybodys(error) {
        note(error, of: "\(id): the policy's word for \(made.plan.id)", in: &containTroubles, id)
      }
    }
  }

  /// Places that came too late for the incident's plan. Nothing is rotated a second time.
  private func findLatePlans() throws -> [Job] {
    try fault(.findLatePlaces, "")
    var jobs: [Job] = []
    for missed in try desks.latePlaces.missed()
    where lateConsidered[missed.incident] != missed.repositories && !latePlanning.contains(missed.incident) {
      guard !planTroubles.holds(missed.incident, at: now()) else { continue }
      latePlanning.insert(missed.incident)
      jobs.append(Job { await self.planLate(missed) })
    }
    return jobs
  }

  private func planLate(_ missed: LatePlaces.Missed) async {
    let id = missed.incident
    do {
      if let plan = try await desks.latePlaces.plan(missed) {
        let names = missed.repositories.map(\.rawValue).joined(separator: ", ")
        installation.voice.say(
          "\(id): further places in \(harmless(names)) came too late for its plan: planned \(plan.id), "
            + "which cleans history and rotates nothing")
      }
      planTroubles.clear(id)
      lateConsidered[id] = missed.repositories
    } catch {
      if !Self.isCancellation(error) {
        note(error, of: "\(id)", in: &planTroubles, id)
      }
    }
    latePlanning.remove(id)
    becomesDue(.planning, now())
  }

  /// Events that were passed over, once: what was changed there, only `journal verify` can say.
  private func sayUnreadable() {
    for event in desks.chronicle.unreadable.dropFirst(saidUnreadable) {
      let whose = event.incident.map { "\($0): " } ?? ""
      installation.voice.say(
        "\(whose)event \(event.sequence) of the journal cannot be read and is passed over; see what was changed: "
          + "staunch journal verify")
    }
    saidUnreadable = desks.chronicle.unreadable.count
  }
}
