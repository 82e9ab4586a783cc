import ArgumentParser
import Capabilities
import Response
import StaunchConfiguration
import Drills
import Foundation
import GitHistory
import Incidents
import JSON
import Journal
import Platforms
import PlaybookTools
import Playbooks
import Worker

/// `staunch doctor`: checks everything before the incident does. Reads only.
struct DoctorCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Check everything before the incident does. Reads only. Exit 0 or 1.")

  @Flag(name: .long, help: "Do not ask providers, stores and consumers.") var offline = false
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  /// One thing that was looked at.
  private struct Check {
    enum Verdict: String { case ok, bad, unknown }
    let name: String
    let verdict: Verdict
    let note: String

    init(name: String, problem: String?, note: String) {
      self.name = name
      verdict = problem == nil ? .ok : .bad
      self.note = problem ?? note
    }

    init(of target: String, _ found: Readiness) {
      name = "\(target): \(found.what)"
      switch found.verdict {
      case .ready(let word): (verdict, note) = (.ok, word)
      case .missing(let because, let fix): (verdict, note) = (.bad, "\(because); fix: \(fix)")
      case .unknown(let because): (verdict, note) = (.unknown, "not checked: \(because)")
      }
    }
  }

  func run(in assembly: Assembly) async throws {
    var checks: [Check] = []
    checks.append(try await git(assembly))
    checks.append(state(assembly))
    checks.append(contentsOf: lastDrill(assembly))
    let configuration = try assembly.configuration()
    checks.append(Check(name: "staunch.yaml", problem: nil, note: configuration.file))
    let library = try assembly.library(own: own.playbooks)
    for route in configuration.routes { checks.append(playbook(route, library, configuration)) }
    checks += targets(of: configuration)
    if offline {
      for (name, repository) in configuration.repositories.sorted(by: { $0.key < $1.key }) {
        let found = await assembly.historyRewriter(trust: configuration.trustedRepositories).readiness(
          repository: repository.path, remote: nil)
        checks += found.prefix(1).map { Check(of: "repository \(name)", $0) }
      }
    }
    checks += exchange(assembly, configuration)
    if let receiver = configuration.receiver {
      checks.append(await endpoint(receiver, assembly))
      let sources = Set(configuration.sources.map(\.kind.rawValue))
      checks += ReceiverAdvice.findings(receiver, sources: sources).map {
        Check(name: $0.place, problem: "\($0.because); fix: \($0.fix)", note: "")
      }
    }
    checks += await sources(assembly, configuration)
    if !offline { checks += try await outside(assembly, configuration) }
    show(checks, assembly)
    if checks.contains(where: { $0.verdict == .bad }) { throw ExitCode(ExitStatus.failed.rawValue) }
  }

  private func git(_ assembly: Assembly) async throws -> Check {
    do {
      let outcome = try await assembly.adapterEnvironment().processes.inspect(
        ProcessCall(["git", "--version"]), readOnlyBecause: "it prints its version")
      return Check(
        name: "git", problem: nil, note: outcome.output.trimmingCharacters(in: .whitespacesAndNewlines))
    } catch {
      return Check(name: "git", problem: plainReason(of: error), note: "")
    }
  }

  private func state(_ assembly: Assembly) -> Check {
    do {
      guard let journal = try assembly.journalForReading(),
        let state = try StateDirectory.existing(assembly.statePath)
      else {
        return Check(name: "state", problem: nil, note: "\(assembly.statePath), no journal yet")
      }
      // Reads only: a key that is missing is reported, never made.
      let key = try state.publicKey()
      let verification = try journal.verify(publicKeys: [key].compactMap { $0 })
      let difference = try journal.difference()
      return Check(
        name: "journal",
        problem: key == nil
          ? "\(assembly.statePath)/identity.key is gone"
          : verification.problem.map { "\($0)" } ?? difference.map { "\($0)" },
        note: "\(verification.count) events, whole, in \(assembly.statePath)")
    } catch {
      let failure = CommandFailure(after: error)
      return Check(
        name: "state", problem: failure.because + (failure.fix.map { "; fix: \($0)" } ?? ""), note: "")
    }
  }

  private func lastDrill(_ assembly: Assembly) -> [Check] {
    let history: DrillHistory.Contents
    do { history = try DrillHistory(path: assembly.statePath + "/drills/scores.jsonl").read() } catch {
      return [Check(name: "last drill", problem: "\(error)", note: "")]
    }
    guard let last = history.scores.map(\.at).max() else {
      let note =
        history.unread == 0
        ? "never: staunch drill run openai-and-postgres"
        : "unknown: \(history.unread) scores of another version cannot be read"
      return [Check(name: "last drill", problem: nil, note: note)]
    }
    let days = Int(assembly.now().timeIntervalSince(last) / 86400)
    return [Check(name: "last drill", problem: nil, note: "\(days) days ago")]
  }

  /// A file that names nothing to act on is no preparation.
  private func targets(of configuration: Configuration) -> [Check] {
    guard configuration.credentials.isEmpty, configuration.repositories.isEmpty else { return [] }
    return [
      Check(
        name: "targets",
        problem:
          "\(configuration.file) names no credential and no repository: nothing can be rotated or cleaned; "
          + "fix: add them under credentials: and repositories:", note: "")
    ]
  }

  private func playbook(
    _ route: Configuration.Route, _ library: PlaybookLibrary, _ configuration: Configuration
  ) -> Check {
    do {
      let playbook = try library.load(route.playbook, catalogue: ActionSignature.builtin)
      let errors = Linter.diagnostics(of: playbook).filter { $0.severity == .error }
      let missing = RouteInputs.problem(playbook, route, configuration).map {
        "\($0.because); fix: \($0.fix)"
      }
      return Check(
        name: "route \(route.position)", problem: errors.first.map { "\($0)" } ?? missing,
        note: "playbook \(route.playbook)")
    } catch {
      return Check(name: "route \(route.position)", problem: plainReason(of: error), note: "")
    }
  }

  /// The directory that the endpoint shares with us: as it must be, with nothing else in it, and who may do what there.
  private func exchange(_ assembly: Assembly, _ configuration: Configuration) -> [Check] {
    ExchangeCheck(
      place: ExchangePlace(configuration.exchange, state: assembly.statePath),
      settings: configuration.exchange?.settings,
      sources: Set(configuration.sources.map(\.kind.rawValue))
    ).findings().map { Check(name: $0.name, problem: $0.problem, note: $0.note) }
  }

  private func endpoint(_ receiver: JSONValue, _ assembly: Assembly) async -> Check {
    do {
      return Check(
        name: "receiver", problem: nil, note: try await ReceiverCheck(assembly: assembly).run(receiver))
    } catch let error as Refusal {
      return Check(
        name: "receiver", problem: error.because + (error.fix.map { "; fix: \($0)" } ?? ""), note: "")
    } catch let error as CommandFailure {
      return Check(
        name: "receiver", problem: error.because + (error.fix.map { "; fix: \($0)" } ?? ""), note: "")
    } catch {
      return Check(name: "receiver", problem: plainReason(of: error), note: "")
    }
  }

  /// Each source's token, and (unless offline) whether it may see what it must.
  private func sources(_ assembly: Assembly, _ configuration: Configuration) async -> [Check] {
    let environment = assembly.adapterEnvironment()
    let platforms = PlatformSources(configuration.sources, in: environment)
    var checks: [Check] = []
    for source in configuration.sources {
      let name = "source \(source.position)"
      do throws(CapabilityError) {
        _ = try await environment.sources.resolve(source.token)
        checks.append(
          Check(name: name, problem: nil, note: "\(source.kind.rawValue), asked every \(source.every)"))
      } catch {
        checks.append(Check(name: name, problem: "\(error)", note: ""))
      }
    }
    guard !offline else { return checks }
    for source in platforms.github {
      for repository in source.names {
        await check("source \(source.position) \(repository)", &checks) { () async throws(CapabilityError) in
          let found = try await platforms.repository(repository, of: source)
          return "\(try await source.api.openAlerts(of: found).count) open alerts"
        }
      }
    }
    for source in platforms.gitguardian {
      await check("source \(source.position)", &checks) { () async throws(CapabilityError) in
        "\(try await source.api.open().count) open incidents"
      }
    }
    return checks
  }

  private func check(
    _ name: String, _ checks: inout [Check], _ look: () async throws(CapabilityError) -> String
  ) async {
    do throws(CapabilityError) {
      checks.append(Check(name: name, problem: nil, note: try await look()))
    } catch {
      checks.append(Check(name: name, problem: "\(error)", note: ""))
    }
  }

  private func outside(_ assembly: Assembly, _ configuration: Configuration) async throws -> [Check] {
    let targets = try assembly.targets(of: configuration, in: assembly.adapterEnvironment())
    var checks: [Check] = []
    let history = assembly.historyRewriter(trust: configuration.trustedRepositories)
    for (name, repository) in targets.repositories.sorted(by: { $0.key < $1.key }) {
      assembly.console.transient("asking \(name) …")
      checks += await history.readiness(repository: repository.path, remote: repository.remote)
        .map { Check(of: "repository \(name)", $0) }
    }
    for (name, tracker) in targets.trackers.sorted(by: { $0.key < $1.key }) {
      assembly.console.transient("asking \(name) …")
      checks += await tracker.readiness().map { Check(of: "tracker \(name)", $0) }
    }
    checks += await heads(targets, assembly)
    for (name, store) in targets.stores.sorted(by: { $0.key < $1.key }) {
      checks += await store.readiness().map { Check(of: "store \(name)", $0) }
    }
    for (name, target) in targets.credentials.sorted(by: { $0.key < $1.key }) {
      assembly.console.transient("asking \(name) …")
      let needs = await target.provider.readiness() + target.provider.loginReadiness()
      checks += needs.map { Check(of: "credential \(name)", $0) }
      do {
        let found = try await target.provider.existing()
        checks.append(Check(name: "credential \(name)", problem: nil, note: "\(found.count) there now"))
      } catch  where error.class == .unsupported {
        checks.append(Check(name: "credential \(name)", problem: nil, note: error.because))
      } catch {
        checks.append(Check(name: "credential \(name)", problem: "\(error)", note: ""))
      }
      if let store = target.store.flatMap({ targets.stores[$0] }) {
        do {
          let keys = target.keys.isEmpty ? [target.key] : target.keys.values.sorted()
          for key in keys {
            let version = try await store.currentVersion(key)
            checks.append(
              Check(
                name: "store of \(name)",
                problem: version == nil
                  ? "it has no \(key): a new value would be written where no program reads it; "
                    + "fix: correct \"key\" of \(name) in staunch.yaml, or put the present value there first"
                  : nil,
                note: "holds \(key)"))
          }
          let value = await StoredValueCheck(name: name, target: target, store: store).readiness()
          checks += [value].compactMap { $0 }.map { Check(of: "store of \(name)", $0) }
        } catch {
          checks.append(Check(name: "store of \(name)", problem: "\(error)", note: ""))
        }
      }
    }
    for (name, consumer) in targets.consumers.sorted(by: { $0.key < $1.key }) {
      checks += await consumer.readiness().map { Check(of: "consumer \(name)", $0) }
      do {
        let health = try await consumer.health()
        checks.append(
          Check(
            name: "consumer \(name)", problem: health.state == .healthy ? nil : health.evidence,
            note: health.evidence))
      } catch {
        checks.append(Check(name: "consumer \(name)", problem: "\(error)", note: ""))
      }
    }
    assembly.console.endTransient()
    return checks
  }

  /// What the tickets were told of must be in the journal.
  private func heads(_ targets: Targets, _ assembly: Assembly) async -> [Check] {
    do {
      guard let journal = try assembly.journalForReading(),
        let key = try StateDirectory.existing(assembly.statePath)?.publicKey()
      else { return [] }
      let answers = try await TicketComparison(targets.trackers, now: { assembly.now() })
        .answers(journal, publicKey: key, isDisputed: false, within: .seconds(10))
      return answers.map { Check(of: "tracker \($0.tracker)", $0.readiness) }
    } catch {
      let failure = CommandFailure(after: error)
      return [Check(name: "journal heads in the tickets", problem: failure.because, note: "")]
    }
  }

  private func show(_ checks: [Check], _ assembly: Assembly) {
    if global.json {
      assembly.console.data(
        JSONValue.object([
          "schema": 1, "ok": .boolean(checks.allSatisfy { $0.verdict != .bad }),
          "unknown": .integer(checks.filter { $0.verdict == .unknown }.count),
          "checks": .array(
            checks.map {
              [
                "name": .string($0.name), "ok": .boolean($0.verdict == .ok),
                "verdict": .string($0.verdict.rawValue), "note": .string($0.note),
              ]
            }),
        ]).canonicalText)
      return
    }
    for check in checks {
      let mark =
        switch check.verdict {
        case .ok: assembly.console.toned("ok  ", .good)
        case .bad: assembly.console.toned("BAD ", .bad)
        case .unknown: assembly.console.toned("?   ", .wait)
        }
      assembly.console.data("\(mark) \(check.name)  \(harmlessLines(check.note))")
    }
    let bad = checks.filter { $0.verdict == .bad }.count
    let unknown = checks.filter { $0.verdict == .unknown }.count
    let rest = unknown == 0 ? "" : "; \(unknown) could not be checked (marked ?)"
    let asked = offline ? " that can be told without asking anybody" : ""
    assembly.console.say(
      bad == 0
        ? "\(unknown == 0 ? "everything" : "what was checked")\(asked) is ready\(rest)"
        : "\(bad) to correct\(rest), then: staunch doctor")
  }
}

/// `staunch reference`: docs/CONFIGURATION.md, generated from the adapters' own declarations.
struct ReferenceCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "reference", abstract: "The reference of staunch.yaml (docs/CONFIGURATION.md).")

  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    assembly.console.data(try ConfigurationReference.markdown())
  }
}
