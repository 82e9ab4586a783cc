public import Capabilities
import Foundation
public import Secrets

/// A service of systemd on this machine: restarted, and looked at in systemd's own words.
///
/// A restart counts when systemd gives another invocation id than before. Healthy is *active*, for `settled_seconds` without
/// one of systemd's own restarts (`NRestarts`): a program that starts and dies over the new value is active in between, too.
/// A health check of the program itself comes on top.
///
/// What still holds the old value is told by process: every process of the unit's control group, by the variables of its
/// environment (`/proc/PID/environ`) and the files that `files` names. A value that a program has read into its memory from
/// elsewhere is not seen. Another user's process can be read by root alone, which is said.
///
/// The threat: whoever could write the unit or a drop-in decides what a restart starts. A unit that was changed since systemd
/// read it is named in the plan and not restarted before a person has looked (`NeedDaemonReload`).
/// The runner's right: `systemctl restart UNIT` (root, or polkit's `org.freedesktop.systemd1.manage-units`; `scope: user` needs none).
/// Sources: systemctl(1), systemd.exec(5) (INVOCATION_ID), https://www.freedesktop.org/wiki/Software/systemd/dbus/, proc(5)
public struct SystemdUnit: Consumer {
  struct Settings: AdapterSettings {
    let unit: String
    let isUser: Bool
    let settled: Int
    let files: [String]

    init(from read: inout SettingsReader) throws(CapabilityError) {
      unit = try read.text("unit", "the unit's name: `app.service`")
      isUser =
        try read.word(
          "scope", of: ["system", "user"], default: "system",
          "whose systemd: the machine's, or the runner's user's")
        == "user"
      settled =
        try read.integer(
          "settled_seconds", "how long it has to be active without a restart of systemd's own; 10 when absent"
        ) ?? 10
      files = try read.texts("files", "files that the service reads its secret from, besides its environment")
      let isName = unit.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
          || [0x2D, 0x2E, 0x5F, 0x40, 0x3A, 0x5C].contains($0)
      }
      try read.check(
        isName && !unit.isEmpty && !unit.hasPrefix("-"), "unit is no unit's name",
        fix: "write unit: NAME.service")
      try read.check(
        (0...3600).contains(settled), "settled_seconds is no number from 0 to 3600",
        fix: "leave it out for 10")
    }
  }

  public static let kind = "systemd-unit"
  public static let summary = "A service of systemd on this machine, restarted and looked at by systemctl."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "systemctl restart UNIT: root, or polkit's org.freedesktop.systemd1.manage-units; with "
      + "scope: user none",
    survives: "what a program has read into its memory from elsewhere",
    can: [.holdings])
  public static let settings = Settings.declarations + HealthCheck.settings

  private let settings: Settings
  private let check: HealthCheck?
  private let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    check = try HealthCheck(target)
    self.environment = environment
  }

  private var shown: String { "systemctl \(settings.isUser ? "--user " : "")" }

  private func call(_ arguments: [String], timeout: Duration = .seconds(30)) -> ProcessCall {
    ProcessCall(["systemctl"] + (settings.isUser ? ["--user"] : []) + arguments, timeout: timeout)
  }

  // MARK: what systemd says

  /// Properties of the unit.
  private struct State {
    let properties: [String: String]

    subscript(_ name: String) -> String { properties[name] ?? "" }
    /// `active (running)`
    var words: String { "\(self["ActiveState"]) (\(self["SubState"]))" }
    var restarts: Int? { Int(self["NRestarts"]) }
    var needsReload: Bool { self["NeedDaemonReload"] == "yes" }
    /// Seconds since 1970.
    var since: Double? { Double(self["ActiveEnterTimestamp"].drop { $0 == "@" }) }
  }

  private func state() async throws(CapabilityError) -> State {
    let operation = "\(shown)show \(settings.unit)"
    let names = [
      "LoadState", "ActiveState", "SubState", "Result", "NRestarts", "InvocationID", "ActiveEnterTimestamp",
      "ControlGroup", "NeedDaemonReload",
    ]
    let outcome: ProcessOutcome
    do throws(CapabilityError) {
      outcome = try await environment.processes.inspect(
        call(["show", "--timestamp=unix", "--property=\(names.joined(separator: ","))", "--", settings.unit]),
        readOnlyBecause: "systemctl show only prints")
    } catch {
      guard error.class == .notFound else { throw error }
      throw CapabilityError(
        .unsupported, operation, because: "there is no systemctl on this machine",
        fix: "run staunch where the unit is, or restart it by kind: command")
    }
    guard outcome.status == 0 else {
      throw CapabilityError(
        .unsupported, operation,
        because: "systemctl ended with status \(outcome.status): systemd may not run here",
        fix: "run staunch where the unit is, or restart it by kind: command")
    }
    var properties: [String: String] = [:]
    for line in outcome.output.split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { properties[String(parts[0])] = String(parts[1]) }
    }
    let state = State(properties: properties)
    guard state["LoadState"] == "loaded" else {
      throw CapabilityError(
        .notFound, operation, because: "systemd has not loaded the unit: \(state["LoadState"].prefix(40))",
        fix: "correct unit in staunch.yaml; see: \(shown)status \(settings.unit)")
    }
    return state
  }

  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let state = try await state()
      return [
        Readiness("unit", .ready("systemd says \(state.words)")),
        Readiness(
          "restart",
          .unknown(
            because: "only a restart shows whether the runner may do it (root, or polkit's manage-units)")),
      ]
    } catch { return [Readiness("unit", error)] }
  }

  // MARK: the restart

  public func plan() async throws(CapabilityError) -> PlannedEffect {
    let state = try await state()
    var unclear = ["how long \(settings.unit) is away while it restarts"]
    if state.needsReload {
      unclear.append(
        "what it starts: the unit was changed since systemd has read it, and is not restarted before")
    }
    return PlannedEffect(
      will: "restart \(settings.unit), now \(state.words): \(shown)restart \(settings.unit)",
      target: settings.unit,
      reversible: true, affected: [settings.unit], cannotPredict: unclear)
  }

  /// Repeating it restarts once more.
  public func rollOut(marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let operation = "\(shown)restart \(settings.unit)"
    let before = try await state()
    guard !before.needsReload else {
      throw CapabilityError(
        .unsafe, operation,
        because: "the unit was changed since systemd has read it: it may start something else",
        fix: "see: \(shown)cat \(settings.unit); then: \(shown)daemon-reload; then: staunch resume")
    }
    let outcome = try await environment.processes.run(
      call(["restart", "--no-ask-password", "--", settings.unit], timeout: .seconds(120)), under: authority)
    guard outcome.status == 0 else {
      // The runner has redacted what the program wrote; its last line says most.
      let last = outcome.errors.split(separator: "\n").last.map { ": \($0.prefix(200))" } ?? ""
      throw CapabilityError(
        outcome.status == 4 ? .refused : .serverError, operation,
        because: "it ended with status \(outcome.status)\(last)",
        fix: "see: \(shown)status \(settings.unit); then: staunch resume")
    }
    let after = try await state()
    guard !after["InvocationID"].isEmpty, after["InvocationID"] != before["InvocationID"] else {
      throw CapabilityError(
        .serverError, operation, because: "systemd names the same invocation as before: it was not restarted",
        fix: "see: \(shown)status \(settings.unit); then: staunch resume")
    }
  }

  public func health() async throws(CapabilityError) -> ConsumerHealth {
    let state = try await state()
    let seen = "\(settings.unit) is \(state.words)"
    switch state["ActiveState"] {
    case "active": break
    case "activating", "reloading", "deactivating": return ConsumerHealth(.unknown, evidence: seen)
    default: return ConsumerHealth(.unhealthy, evidence: "\(seen), result \(state["Result"].prefix(40))")
    }
    guard let since = state.since, let restarts = state.restarts else {
      return ConsumerHealth(.unknown, evidence: "\(seen), and systemd does not say since when")
    }
    let age = Int(environment.now().timeIntervalSince1970 - since)
    let facts = "\(seen) for \(max(0, age)) s, restarted by systemd \(restarts) times"
    guard age >= settings.settled else {
      return ConsumerHealth(restarts > 0 ? .unhealthy : .unknown, evidence: "\(facts): not yet settled")
    }
    guard let check else { return ConsumerHealth(.healthy, evidence: facts) }
    let own = try await check.health(in: environment)
    return ConsumerHealth(own.state, evidence: "\(facts); \(own.evidence)")
  }

  // MARK: who holds the value

  public func holdings(of secrets: [Secret]) async throws(CapabilityError) -> ConsumerHoldings {
    let group = try await state()["ControlGroup"]
    let held = HeldValues(secrets)
    var holding: [String] = []
    var moved: [String] = []
    var unread: [String] = []
    let processes: [Substring]
    if group.hasPrefix("/"), !group.split(separator: "/").contains("..") {
      do throws(CapabilityError) {
        processes = try await environment.files.read("/sys/fs/cgroup\(group)/cgroup.procs").exposeAsText()
          .split(separator: "\n")
        if processes.isEmpty { unread.append("no process of \(settings.unit) runs") }
      } catch {
        processes = []
        unread.append("the processes of \(settings.unit): \(error.because)")
      }
    } else {
      processes = []
      unread.append("no process of \(settings.unit) runs")
    }
    for process in processes {
      do throws(CapabilityError) {
        let names = held.variables(
          in: try await environment.files.read("/proc/\(process)/environ").exposeAsBytes())
        if names.isEmpty { moved.append("process \(process)") }
        holding += names.map { "process \(process) (\($0))" }
      } catch {
        // One that has ended since holds nothing.
        guard error.class != .notFound else { continue }
        unread.append("process \(process): \(error.because)")
      }
    }
    let files = await held.holdings(files: settings.files, in: environment.files)
    return ConsumerHoldings(
      holding: holding + files.holding, moved: moved + files.moved, unread: unread + files.unread)
  }
}
