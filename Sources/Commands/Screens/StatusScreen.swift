import Chronicle
import Foundation
import Incidents
import Response

/// The first screen at 03:00: how bad, how long, ALIVE or DEAD, and the one next action. Everything else below.
struct StatusScreen {
  let console: Console

  /// How many incidents are shown with all they need, and how many more with a line each.
  static let whole = 5
  static let brief = 15
  /// How many are shown at most.
  static let most = whole + brief

  /// The lines for the open incidents, the most urgent first: a storm must not scroll the first one away.
  func lines(_ incidents: OpenIncidents, in directory: String) -> [String] {
    let open = incidents.urgent
    guard !open.isEmpty else {
      let closed = incidents.closed
      return [
        "No open incident in \(harmless(directory))\(closed == 0 ? "." : " (\(closed) closed).")",
        "next: staunch respond, with a scanner's report; or try it: staunch drill run openai-and-postgres",
      ]
    }
    var lines = Array(open.prefix(Self.whole).flatMap { summary($0) + [""] }.dropLast())
    let others = open.dropFirst(Self.whole)
    guard !others.isEmpty else { return lines }
    lines.append("")
    lines += others.prefix(Self.brief).map { line($0) }
    let rest = incidents.open - Self.most
    if rest > 0 { lines.append("and \(rest) more open: staunch incidents") }
    return lines
  }

  /// One incident in one line.
  func line(_ status: IncidentStatus) -> String {
    // One refusal is not death.
    let old =
      status.leaked.map {
        $0.state == .dead && !status.isContained ? "REFUSED" : $0.state.rawValue.uppercased()
      } ?? "not probed"
    return "\(status.id)  \(status.severity.rawValue)  \(status.state.rawValue)  \(status.kind)  old \(old)  "
      + harmless(status.codename)
  }

  /// The head of one incident.
  func summary(_ status: IncidentStatus) -> [String] {
    let drill = status.isDrill ? "DRILL " : ""
    var lines = [
      console.toned("\(drill)\(status.severity.rawValue.uppercased())", .strong)
        + "  \(age(status))  \(status.id)  \(harmless(status.codename))  (\(status.kind))"
    ]
    for credential in status.credentials { lines.append("  " + line(credential, now: status.now)) }
    if status.leaked?.state == .dead, status.unproven > 0 {
      let count = status.unproven == 1 ? "one leaked value is" : "\(status.unproven) leaked values are"
      lines.append("  " + console.toned("\(count) not proven dead", .wait))
    }
    if status.credentials.isEmpty { lines.append("  old credential: not probed yet") }
    for one in status.stillAtTheForge.prefix(Self.forgeLines) {
      lines.append(
        "  " + console.toned("still at the forge", .bad) + " \(one.repository): \(harmless(one.why))")
    }
    if status.stillAtTheForge.count > Self.forgeLines {
      lines.append(
        "  still at the forge: \(status.stillAtTheForge.count - Self.forgeLines) more repositories")
    }
    for name in status.stillOld.prefix(Self.forgeLines) {
      lines.append(
        "  " + console.toned("still holds the old value", .bad) + ": \(harmless(name)): what reads it fails")
    }
    if status.stillOld.count > Self.forgeLines {
      lines.append("  still hold the old value: \(status.stillOld.count - Self.forgeLines) more entries")
    }
    for copy in status.copies.copies.prefix(Self.forgeLines) {
      lines.append(
        "  " + console.toned("copy outside of Git", .bad) + ": \(copy.kind) \(harmless(copy.text))")
    }
    if status.copies.count > Self.forgeLines {
      lines.append("  copies outside of Git: \(status.copies.count - Self.forgeLines) more")
    }
    for trap in status.copies.traps {
      lines.append("  " + console.toned("trap", .bad) + ": \(harmless(trap))")
    }
    if let step = status.currentStep {
      let reason = step.reason.map { ": \(harmless($0))" } ?? ""
      lines.append("  step \(step.step) \(step.state.rawValue)\(reason)")
    }
    if !status.undelivered.isEmpty {
      lines.append(
        "  " + console.toned("\(status.undelivered.count) undelivered", .wait) + ": staunch ticket send")
    }
    lines.append("  next: \(harmless(status.next.text))")
    if let command = status.next.command { lines.append("    \(console.toned(command, .strong))") }
    return lines
  }

  private static let forgeLines = 5

  /// The whole incident: head, then every step with its place.
  func details(_ status: IncidentStatus) -> [String] {
    var lines = summary(status)
    if let plan = status.plan {
      lines += [
        "", "plan \(plan.id)  digest \(plan.digest)  \(plan.isApproved ? "approved" : "not approved")",
      ]
    }
    if let run = status.run { lines.append("run \(run.id)  \(run.mode)  \(run.state.rawValue)") }
    for one in status.published {
      lines.append(harmless(one.line) + (one.address.map { "  (\(harmless($0)))" } ?? ""))
      for left in one.residual { lines.append("  left: \(harmless(left))") }
    }
    for said in status.said { lines.append("\(clock(said.at))  \(harmless(said.text))") }
    if !status.steps.isEmpty { lines.append("") }
    for step in status.steps {
      let item = step.item.map { "[\($0)]" } ?? ""
      let took = step.elapsed(at: status.now).map { "  \(text($0))" } ?? ""
      let reason = step.reason.map { "  \(harmless($0))" } ?? ""
      lines.append("  \(mark(step.state)) \(step.step)\(item)  \(step.action ?? "")\(took)\(reason)")
    }
    return lines
  }

  private func age(_ status: IncidentStatus) -> String {
    guard status.isClockBehind else { return "T+\(age(status.sinceDetection))" }
    return "T+? (this clock stands before the detection at \(clock(status.detected)))"
  }

  /// In whole seconds: nobody's incident is known to the millisecond.
  private func age(_ duration: Duration) -> String {
    let seconds = max(.zero, Duration.seconds(duration.components.seconds))
    return seconds == .zero ? "0 s" : text(seconds)
  }

  private func line(_ credential: IncidentStatus.Credential, now: Date) -> String {
    let name = credential.subject == .leaked ? "old credential" : "replacement"
    let tone: Console.Tone =
      switch (credential.subject, credential.state) {
      case (.leaked, .dead): credential.proven == nil ? .wait : .good
      case (.replacement, .alive): .good
      case (.leaked, .alive), (.replacement, .dead): .bad
      case (_, .unknown): .wait
      }
    // One refusal is not death.
    let isRefused = credential.subject == .leaked && credential.state == .dead && credential.proven == nil
    let value = credential.value.map { " (value \($0))" } ?? ""
    let word = isRefused ? "REFUSED" : credential.state.rawValue.uppercased()
    var line = "\(name) \(credential.name)\(value): " + console.toned(word, tone)
    if let proven = credential.proven { line += "  proven \(clock(proven))" }
    if let probed = credential.probed {
      line += "  probed \(clock(probed)) (\(age(now.duration(since: probed))) ago)"
    }
    if let code = credential.code { line += "  \(harmless(code))" }
    return line
  }

  func mark(_ state: StepRecord.State) -> String {
    let (unicode, ascii, tone): (String, String, Console.Tone) =
      switch state {
      case .pending: ("·", "-", .faint)
      case .running: ("▸", ">", .strong)
      case .waiting: ("◌", "?", .wait)
      case .done: ("✓", "+", .good)
      case .skipped: ("○", "o", .faint)
      case .failed: ("✗", "x", .bad)
      case .undone: ("↶", "<", .wait)
      case .unknown: ("?", "!", .bad)
      }
    return console.toned(console.style.hasUnicode ? unicode : ascii, tone)
  }

  private func clock(_ date: Date) -> String { String(Timestamp.text(date).dropFirst(11).prefix(8)) + "Z" }

  /// `850 ms`, `12 s`, `4 min 05 s`, `3 h 12 min`, `2 d 4 h`.
  func text(_ duration: Duration) -> String {
    let milliseconds =
      Int(duration.components.seconds) * 1000 + Int(duration.components.attoseconds / 1_000_000_000_000_000)
    if milliseconds < 0 { return "-" + text(.milliseconds(-milliseconds)) }
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    let seconds = milliseconds / 1000
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60) min \(String(format: "%02d", seconds % 60)) s" }
    if seconds < 86400 { return "\(seconds / 3600) h \(String(format: "%02d", seconds / 60 % 60)) min" }
    return "\(seconds / 86400) d \(seconds / 3600 % 24) h"
  }
}
