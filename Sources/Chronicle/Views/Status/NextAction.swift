import Incidents
import JSON

/// Chooses the one next action from where an incident stands.
///
/// The order is by what it costs to be late: a leaked credential that may still work comes before everything else that is
/// unfinished, a message that did not arrive before the report.
enum NextAction {
  struct Situation {
    let incident: IncidentID
    let state: IncidentStatus.State
    let credentials: [IncidentStatus.Credential]
    let isContained: Bool
    /// A leaked value came after the last plan.
    let hasNewValue: Bool
    /// A plan was saved after the run began.
    let hasNewerPlan: Bool
    let run: IncidentStatus.Run?
    let plan: IncidentStatus.Plan?
    let steps: [StepRecord]
    let undelivered: Int
    let drift: String?
    /// The run has stopped and keeps its targets: another one cannot have them.
    let holdsLocks: Bool
    /// Gates of the run to which somebody said no, and nobody yes since.
    let refusedGates: Set<StepID>
    /// Gates of the run to which somebody said yes since it stopped there.
    let answeredGates: Set<StepID>
    /// Whose yes each gate of the run asks for; none: anybody's.
    let gateRoles: [StepID: [String]]
    /// Entries of stores that hold an old value.
    let stillOld: [String]
    let stillAtTheForge: [PublishedHistory]
    /// Outside of Git.
    let copies: KeptCopies
  }

  static func choose(_ now: Situation) -> IncidentStatus.Next {
    let isBusy = now.run.map { $0.state == .running || $0.state == .waiting } ?? false
    if now.state != .closed, !isBusy {
      if now.hasNewValue {
        return IncidentStatus.Next(
          "Another value of this credential was reported after the plan. Plan again: it covers every value",
          command: planCommand(now))
      }
      if now.hasNewerPlan, !now.holdsLocks { return beforeTheRun(now) }
    }
    guard let run = now.run else { return beforeTheRun(now) }
    switch run.state {
    case .waiting, .running:
      if let drift = now.drift { return afterDrift(drift, now, run) }
      if let unknown = now.steps.last(where: { $0.state == .unknown }) { return settle(unknown, run) }
      if let gate = now.steps.last(where: { $0.state == .waiting }) { return pass(gate, run, now) }
      return underWay(now.steps, run)
    case .failed:
      if let drift = now.drift { return afterDrift(drift, now, run) }
      if let unknown = now.steps.last(where: { $0.state == .unknown }) { return settle(unknown, run) }
      return afterFailure(now, run)
    case .aborted:
      return IncidentStatus.Next(
        "The run was aborted. Plan again to finish what it left", command: planCommand(now))
    case .done: return afterTheRun(now)
    }
  }

  private static func beforeTheRun(_ now: Situation) -> IncidentStatus.Next {
    if now.state == .closed { return nothing }
    guard let plan = now.plan else {
      return IncidentStatus.Next("No plan yet. See what would happen", command: planCommand(now))
    }
    if let obstacle = plan.obstacle {
      return IncidentStatus.Next(
        "The plan cannot run any more: \(obstacle). Plan again", command: planCommand(now))
    }
    return plan.isApproved
      ? IncidentStatus.Next("The plan is approved. Run it", command: "staunch run \(plan.id) --live")
      : IncidentStatus.Next(
        "Read the plan and approve it: this shows it and asks",
        command: "staunch run \(plan.id) --live")
  }

  private static func pass(_ gate: StepRecord, _ run: IncidentStatus.Run, _ now: Situation)
    -> IncidentStatus.Next
  {
    let wait = StepWaiting(gate.last.body)
    switch wait.subject {
    case "approval":
      if now.answeredGates.contains(gate.step) {
        return IncidentStatus.Next(
          "Step \(gate.label) got a yes. Go on; should another be missing, this says whose",
          command: "staunch resume \(run.id)")
      }
      let digest = wait.digest ?? now.plan?.digest ?? ""
      return IncidentStatus.Next(
        "Step \(gate.label) waits for approval", command: approval(of: gate, digest, now))
    case "manual":
      let asked = wait.collect
      return IncidentStatus.Next(
        "Do step \(gate.label) by hand\(prompt(of: gate)) Then say so"
          + (asked.isEmpty
            ? "" : ", and behind it what it asks for: \(asked.map { "\($0)=" }.joined(separator: " "))"),
        command: "staunch done \(gate.step)\(item(gate)) --run \(run.id)")
    case "person":
      return IncidentStatus.Next(
        "Step \(gate.label) waits for you\(prompt(of: gate)) Then resume", command: "staunch resume \(run.id)"
      )
    case "decision":
      let prompt = gate.reason.map { ": \($0)" } ?? ""
      return IncidentStatus.Next("Decide on step \(gate.label)\(prompt)", command: "staunch resume \(run.id)")
    case "containment":
      return IncidentStatus.Next(
        "Step \(gate.label) waits until the other incidents of its report are contained. Go on when they are",
        command: "staunch resume \(run.id)")
    case "lock":
      return IncidentStatus.Next(
        "Another run holds the lock of this credential", command: "staunch status")
    case let other:
      return IncidentStatus.Next(
        "Step \(gate.label) waits (\(other ?? "unknown")) and goes on by itself; if no runner works on it, resume",
        command: "staunch resume \(run.id)")
    }
  }

  /// What the gate says, as the end of a sentence.
  private static func prompt(of gate: StepRecord) -> String {
    guard let text = gate.reason, let last = text.last else { return "." }
    return ": " + text + (".!?".contains(last) ? "" : ".")
  }

  /// In the role that `approve` takes by itself, or one that the gate asks for.
  private static func approval(of gate: StepRecord, _ digest: String, _ now: Situation) -> String {
    let roles = now.gateRoles[gate.step] ?? []
    let other = roles.contains("responder") ? nil : roles.first
    return "staunch approve \(digest) --step \(gate.step)\(other.map { " --role \($0)" } ?? "")"
  }

  private static func item(_ step: StepRecord) -> String { step.item.map { " --item \($0)" } ?? "" }

  private static func underWay(_ steps: [StepRecord], _ run: IncidentStatus.Run) -> IncidentStatus.Next {
    let step =
      steps.last { $0.state == .running }.map { "Step \($0.label) is under way" } ?? "The run is under way"
    return IncidentStatus.Next(
      "\(step); if no runner works on it, resume", command: "staunch resume \(run.id)")
  }

  private static func settle(_ step: StepRecord, _ run: IncidentStatus.Run) -> IncidentStatus.Next {
    IncidentStatus.Next(
      "Nobody can tell whether step \(step.label) took effect. Look at its target, then resume",
      command: "staunch resume \(run.id)")
  }

  private static func afterDrift(_ what: String, _ now: Situation, _ run: IncidentStatus.Run)
    -> IncidentStatus.Next
  {
    guard !now.holdsLocks else {
      // Resumed, it stops at the same place; another plan's run would find its targets taken.
      return IncidentStatus.Next(
        "The world changed since the plan (\(what)), and the run stopped half-way. Take it back, then plan again",
        command: "staunch abort \(run.id) --reason \"the world changed\"")
    }
    return IncidentStatus.Next(
      "The world changed since the plan (\(what)). Plan again and approve the new digest",
      command: planCommand(now))
  }

  private static func afterFailure(_ now: Situation, _ run: IncidentStatus.Run) -> IncidentStatus.Next {
    guard let failed = now.steps.last(where: { $0.state == .failed }) else {
      return IncidentStatus.Next("The run stopped. Resume it", command: "staunch resume \(run.id)")
    }
    if now.refusedGates.contains(failed.step), let digest = now.plan?.digest {
      return IncidentStatus.Next(
        "The gate \(failed.label) was declined. Approve it after all and resume, or end the run: "
          + "staunch abort \(run.id) --reason 'why'", command: approval(of: failed, digest, now))
    }
    let reason = failed.reason.map { ": \($0)" } ?? ""
    let fix = StepFailed(failed.last.body).fix.map { ". Fix: \($0)" } ?? ""
    return IncidentStatus.Next(
      "Step \(failed.label) stopped\(reason)\(fix)", command: "staunch resume \(run.id)")
  }

  private static func afterTheRun(_ now: Situation) -> IncidentStatus.Next {
    let leaked = now.credentials.filter { $0.subject == .leaked }
    if !now.isContained {
      if let alive = leaked.first(where: { $0.state == .alive }) {
        return IncidentStatus.Next(
          "The old credential is still ALIVE. Disable it",
          command: "staunch credential disable \(alive.name) --incident \(now.incident)")
      }
      if let unknown = leaked.first(where: { $0.state == .unknown }) {
        return IncidentStatus.Next(
          "Nobody proved that the old credential is dead. Probe it",
          command: "staunch credential verify \(unknown.name) --incident \(now.incident)")
      }
      if !leaked.isEmpty {
        return IncidentStatus.Next(
          "The old credential was refused, which is no proof that it is dead. Plan its proof",
          command: planCommand(now))
      }
    }
    if now.undelivered > 0 {
      return IncidentStatus.Next(
        "\(now.undelivered) message\(now.undelivered == 1 ? "" : "s") did not provably arrive",
        command: "staunch ticket send")
    }
    if leaked.isEmpty {
      return IncidentStatus.Next(
        "The run ended without a probe of the leaked credential", command: "staunch show \(now.incident)")
    }
    if now.state == .closed { return nothing }
    if let first = now.stillOld.first, let name = leaked.first?.name {
      let others = now.stillOld.count > 1 ? " (and \(now.stillOld.count - 1) more)" : ""
      return IncidentStatus.Next(
        "Contained, but what reads an old value fails: \(first)\(others). Change it by hand, then look again",
        command: "staunch credential verify \(name) --incident \(now.incident)")
    }
    if let first = now.stillAtTheForge.first {
      if let again = first.again {
        return IncidentStatus.Next(
          "Contained, but another remote of \(first.repository) holds, or may hold, the leaked value (\(first.why))."
            + " Do what stands under \"left\" (staunch show \(now.incident)), then look again", command: again
        )
      }
      return IncidentStatus.Next(
        "Contained, but the leaked value is still at the forge (\(first.repository): \(first.why))."
          + " Plan its clean-up (one that no plan reaches is first named under repositories: in staunch.yaml), or close "
          + "the incident with --uncleaned", command: planCommand(now))
    }
    if let first = now.copies.copies.first {
      let others = now.copies.count > 1 ? " (and \(now.copies.count - 1) more)" : ""
      return IncidentStatus.Next(
        "Contained, but a copy of the leaked value lies outside of Git: \(first.text)\(others). Take it out, then look again, or "
          + "close the incident with --uncleaned", command: now.copies.again(of: now.incident))
    }
    return IncidentStatus.Next(
      "Contained. Complete the post-mortem", command: "staunch postmortem draft \(now.incident)")
  }

  private static let nothing = IncidentStatus.Next("Nothing: the incident is closed", command: nil)

  private static func planCommand(_ now: Situation) -> String { "staunch plan \(now.incident)" }
}
