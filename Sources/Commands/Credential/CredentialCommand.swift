import ArgumentParser
import Capabilities
import Chronicle
import Foundation
import Incidents
import JSON
import Journal
import Response
import Secrets

/// `staunch credential`: one verb on one credential, outside of a playbook.
struct CredentialCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "credential",
    abstract: "Probe, inspect, stop or locate one credential, outside of a playbook.",
    subcommands: [
      CredentialVerifyCommand.self, CredentialInspectCommand.self, CredentialDisableCommand.self,
      CredentialEndSessionsCommand.self, CredentialLocateCommand.self, CredentialProvidersCommand.self,
    ])
}

/// Which credential and which secret.
struct CredentialTarget: ParsableArguments {
  @Argument(help: "The credential's name in staunch.yaml.") var credential: String
  @Option(
    name: .long,
    help:
      "Where the secret is: env:NAME, file:PATH, fd:N, -, prompt; default: every leaked value of the incident."
  )
  var secret: String?
  @Option(
    name: .long, help: "The incident whose leaked values are meant; default: the only one of this credential."
  )
  var incident: String?

  @Option(
    name: .long,
    help: "The public id of what leaked (AKIA…, a key's id), where its value is not known: it can be stopped."
  )
  var id: String?

  /// The provider and the secret that is meant.
  func resolve(in assembly: Assembly) async throws -> Resolved {
    let configuration = try assembly.configuration()
    let environment = assembly.adapterEnvironment()
    let targets = try assembly.targets(of: configuration, in: environment)
    let name = CredentialName(credential)
    guard let found = targets.credentials[name] else {
      throw Refusal.noCredential(name, in: configuration)
    }
    if let id, secret == nil {
      return Resolved(
        name: name, targets: targets, provider: found.provider, values: [], handle: id, incident: nil)
    }
    if let secret {
      return Resolved(
        name: name, targets: targets, provider: found.provider,
        values: [Resolved.Value(secret: try await environment.sources.resolve(secret), ref: nil)],
        handle: id, incident: nil)
    }
    let journal = try assembly.journal()
    let incidents = try incident.map { [IncidentID($0)] } ?? leaks(of: name, in: journal)
    guard let only = incidents.first, incidents.count == 1 else {
      throw CommandFailure(
        .usage, "which secret is meant?",
        because: incidents.isEmpty ? "no incident of this credential is known" : "several incidents have it",
        fix: "--secret env:NAME, or --incident ID")
    }
    let record = try journal.record(of: only)
    let identity = record.identity
    if let why = LeakFit(configuration: configuration).contradiction(
      kind: identity.kind, handle: identity.handle, name),
      why.isOfAnotherAccount
    {
      throw CommandFailure(
        .declined, "\(name) was not asked", because: why.because,
        fix: "name the credential that it is of: an entry of its own under credentials:")
    }
    let values = try record.leakedValues.refs.map { Resolved.Value(secret: try journal.open($0), ref: $0) }
    guard !values.isEmpty else {
      throw CommandFailure(
        .invalidInput, "there is no leaked value of \(harmless(only.rawValue))",
        because: "the journal knows no such incident, or not its value", fix: "give it: --secret env:NAME")
    }
    return Resolved(
      name: name, targets: targets, provider: found.provider, values: values, handle: identity.handle,
      incident: record.id)
  }

  /// Incidents whose plans act on this credential.
  private func leaks(of name: CredentialName, in journal: Journal) throws -> [IncidentID] {
    var found: [IncidentID] = []
    for plan in try journal.plans() {
      guard let incident = plan.incident, !found.contains(incident),
        plan.document["inputs"]?["credential"]?["$credential"]?.string == name.rawValue
      else { continue }
      found.append(incident)
    }
    return found
  }

  struct Resolved {
    struct Value {
      let secret: Secret
      /// The sealed value it came from; nil when it was given.
      let ref: SecretRef?
    }
    let name: CredentialName
    let targets: Targets
    let provider: any CredentialProvider
    /// Several are all values of one credential; empty when only ``handle`` is known.
    let values: [Value]
    /// The public part of what leaked.
    let handle: String?
    /// Whose leaked values they are; nil when one was given.
    let incident: IncidentID?

    var leak: Leak { Leak(handle: handle, values: values.map(\.secret)) }

    /// The first value that the provider knows names it for all.
    func identify() async throws(CapabilityError) -> Subject { try await provider.subject(of: leak) }

    /// An effect on it by hand: confirmation, lock and journal, as ``DirectRun`` has them.
    func carryOut<Outcome: Sendable>(
      _ action: String, on ref: CredentialRef, confirmation: String?, in assembly: Assembly,
      settle: @escaping @Sendable (_ marker: String) async throws -> Settlement,
      perform effect:
        @escaping @Sendable (
          _ authority: borrowing ExecutionAuthority, _ marker: String
        ) async throws -> Outcome,
      outputs: @escaping @Sendable (Outcome) -> JSONValue
    ) async throws -> Outcome {
      try await DirectRun.carryOut(
        action, target: name.rawValue, lock: provider.lock, name: name.rawValue,
        document: ["credential": .string(name.rawValue), "ref": .string(ref.rawValue)],
        confirmation: confirmation, incident: incident, in: assembly, settle: settle, perform: effect,
        outputs: outputs)
    }

    /// - Throws: when only an id is known: nothing can be tried with it.
    func requireValues(to verb: String) throws {
      guard values.isEmpty else { return }
      throw CommandFailure(
        .invalidInput, "\(name) cannot be \(verb)",
        because: "only an id was given, and a verdict needs the value",
        fix: "give it with --secret, as a reference; or stop it by its id: staunch credential disable \(name)"
          + (handle.map { " --id \(ShellWord.quoted($0))" } ?? " with --id"))
    }
  }
}

/// `staunch credential verify`: exit 0 dead, 11 alive, 69 unknown.
struct CredentialVerifyCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Is it still accepted? Exit 0 dead, 11 alive, 69 unknown.")

  @OptionGroup var target: CredentialTarget
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let resolved = try await target.resolve(in: assembly)
    try resolved.requireValues(to: "probed")
    assembly.console.say("probing \(resolved.name) …")
    var tried: [(value: CredentialTarget.Resolved.Value, probe: CredentialProbe)] = []
    var failure: CapabilityError?
    // Every value is asked, and what was learned is kept, whatever the others gave.
    for value in resolved.values {
      do throws(CapabilityError) {
        tried.append((value, try await resolved.provider.verifyMeaning(value.secret, ref: nil)))
      } catch { failure = failure ?? error }
    }
    let probes = tried.map(\.probe)
    let verdict = CredentialProbe.verdict(of: probes)
    // Nil: nobody looked. Only what is dead fails where it is still read.
    var stillOld: [String]?
    if failure == nil, verdict.state == .dead {
      stillOld = await resolved.targets.holders(of: resolved.values.map(\.secret))
    }
    if let incident = resolved.incident {
      let trials = tried.compactMap { value, probe in
        value.ref.map {
          (ref: $0, trial: JoiningValues.Trial(credential: resolved.name, probe: probe, stillOld: stillOld))
        }
      }
      try JoiningValues.Trial.note(trials, about: incident) { try assembly.journal() }
    }
    if let failure, verdict.state != .alive { throw failure }
    show(resolved, probes, verdict, stillOld, in: assembly)
    switch verdict.state {
    case .dead: return
    case .alive: throw ExitCode(ExitStatus.stillAlive.rawValue)
    case .unknown: throw ExitCode(ExitStatus.unavailable.rawValue)
    }
  }

  private func show(
    _ resolved: CredentialTarget.Resolved, _ probes: [CredentialProbe], _ verdict: CredentialProbe,
    _ stillOld: [String]?, in assembly: Assembly
  ) {
    if global.json {
      assembly.console.data(
        JSONValue.object([
          "schema": 1, "credential": .string(resolved.name.rawValue),
          "state": .string(verdict.state.rawValue), "code": .string(verdict.code),
          "values": .array(
            probes.map { ["state": .string($0.state.rawValue), "code": .string($0.code)] }),
          "still_old": stillOld.map { .array($0.map { .string($0) }) } ?? .null,
          "probed": .string(Timestamp.text(assembly.now())),
        ]).canonicalText)
      return
    }
    for (index, probe) in probes.enumerated() {
      let value = probes.count > 1 ? " value \(index + 1)" : ""
      assembly.console.data(
        "\(resolved.name)\(value): \(probe.state.rawValue.uppercased())  \(harmless(probe.code))")
    }
    for name in stillOld ?? [] {
      assembly.console.data("  still holds it, what reads it fails: \(harmless(name))")
    }
    if verdict.state == .dead, let incident = resolved.incident {
      assembly.console.say(
        "one refusal contains nothing: a playbook's proof does. next: staunch show \(incident)")
    }
  }
}

/// `staunch credential inspect`.
struct CredentialInspectCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "What the provider knows about it: evidence that is gone after the kill.")

  @OptionGroup var target: CredentialTarget
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let resolved = try await target.resolve(in: assembly)
    let ref = try await resolved.identify().identity
    let facts = try await resolved.provider.inspect(ref)
    let reach = try await resolved.provider.reach(ref)
    if global.json {
      assembly.console.data(
        JSONValue.object([
          "schema": 1, "credential": .string(resolved.name.rawValue), "ref": .string(ref.rawValue),
          "facts": .object(facts.facts),
          "reach": .array(reach.grants.map { .string("\($0.access.rawValue) \($0.resource)") }),
        ]).canonicalText)
      return
    }
    assembly.console.data("\(resolved.name)  \(harmless(ref.rawValue))")
    for (name, value) in facts.facts.sorted(by: { $0.key < $1.key }) {
      assembly.console.data("  \(name): \(harmless(value.string ?? value.canonicalText))")
    }
    for grant in reach.grants {
      assembly.console.data("  may \(grant.access.rawValue) \(harmless(grant.resource))")
    }
  }
}

/// `staunch credential disable`.
struct CredentialDisableCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "disable", abstract: "Stop it from being accepted, now.")

  @OptionGroup var target: CredentialTarget
  @Flag(name: .long, help: "Do it.") var live = false
  @Option(name: .long, help: "The credential's name, instead of typing it.") var confirm: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let resolved = try await target.resolve(in: assembly)
    let subject = try await resolved.identify()
    let ref = subject.identity
    guard live else {
      for place in subject.refs where place != ref {
        assembly.console.data("  at \(harmless(place.rawValue))")
      }
      assembly.console.data("would stop \(harmless(ref.rawValue)) from being accepted at \(resolved.name)")
      assembly.console.say("next: the same command with --live --confirm \(resolved.name)")
      return
    }
    try await resolved.carryOut("credential.disable", on: ref, confirmation: confirm, in: assembly) { _ in
      var probes: [CredentialProbe] = []
      for value in resolved.values {
        probes.append(try await resolved.provider.verify(value.secret, of: subject))
      }
      let probe = CredentialProbe.verdict(of: probes)
      switch probe.state {
      case .dead: return .done(ActionResult(), evidence: "the secret is refused (\(probe.code))")
      case .alive: return .notDone(evidence: "the secret is still accepted (\(probe.code))")
      case .unknown: return .unknown(reason: "the provider gives no verdict (\(probe.code))")
      }
    } perform: { authority, _ in
      let leaks = resolved.values.isEmpty ? [resolved.leak] : resolved.values.map { Leak($0.secret) }
      for leak in leaks {
        try await resolved.provider.disable(subject, leak: leak, replacedBy: nil, under: authority)
          .check("disable \(ref)")
      }
    } outputs: {
      ["ref": .string(ref.rawValue), "refs": .array(subject.refs.map { .string($0.rawValue) })]
    }
    assembly.console.say(
      resolved.values.isEmpty
        ? "stopped. Whether its value is refused can be told only with the value: give it to staunch credential verify \(resolved.name) with --secret"
        : "stopped. next: staunch credential verify \(resolved.name)")
  }
}

/// `staunch credential end-sessions`.
struct CredentialEndSessionsCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "end-sessions", abstract: "End what was opened with it, and count again.")

  @OptionGroup var target: CredentialTarget
  @Flag(name: .long, help: "Do it.") var live = false
  @Option(name: .long, help: "The credential's name, instead of typing it.") var confirm: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let resolved = try await target.resolve(in: assembly)
    let subject = try await resolved.identify()
    let ref = subject.identity
    guard live else {
      assembly.console.data("would end every session of \(harmless(ref.rawValue)) at \(resolved.name)")
      assembly.console.say("next: the same command with --live --confirm \(resolved.name)")
      return
    }
    let count = try await resolved.carryOut(
      "credential.end-sessions", on: ref, confirmation: confirm, in: assembly
    ) { _ in
      .notDone(evidence: "ending sessions is safe to repeat; the recount decides")
    } perform: { authority, _ in
      try await resolved.provider.endSessions(subject, before: assembly.now(), under: authority)
    } outputs: {
      ["found": .integer($0.found), "ended": .integer($0.ended), "left": .integer($0.left)]
    }
    assembly.console.data("\(count.found) found, \(count.ended) ended, \(count.left) left")
    if count.left > 0 { throw ExitCode(ExitStatus.failed.rawValue) }
  }
}
