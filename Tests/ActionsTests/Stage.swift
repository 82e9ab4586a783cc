import Actions
import Capabilities
import Foundation
import Incidents
import JSON
import Secrets
import Synchronization
import TestSupport

/// The fakes around one action, and the part of the engine that calls it.
struct Stage {
  let provider: FakeProvider
  let store: FakeStore
  let tracker: FakeTracker
  let outbox: FakeOutbox
  let history = FakeHistory()
  let http: FakeHTTP
  let processes: FakeProcesses
  let files = FakeFiles()
  let secrets: FakeSecrets
  let clock: Clock
  let environment: ActionEnvironment

  /// A clock that moves when told.
  final class Clock: Sendable {
    private let time = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
    var now: Date { time.withLock { $0 } }
    func advance(_ seconds: Double) { time.withLock { $0 += seconds } }
  }

  init(
    provider: FakeProvider = FakeProvider(.named), tracker: FakeTracker = FakeTracker(),
    briefing: FakeBriefing = FakeBriefing(), http: FakeHTTP = FakeHTTP(),
    processes: FakeProcesses = FakeProcesses(), consumer: (any Consumer)? = nil,
    store: FakeStore = FakeStore()
  ) {
    let clock = Clock()
    self.clock = clock
    self.provider = provider
    self.store = store
    self.tracker = tracker
    self.http = http
    self.processes = processes
    outbox = FakeOutbox { clock.now }
    secrets = FakeSecrets(["leaked": "leaked-value", "other": "other-value"])
    environment = ActionEnvironment(
      targets: Targets(
        credentials: [
          "openai": Targets.Credential(
            provider: provider, store: "env", key: "OPENAI_API_KEY", consumers: ["trainer"])
        ], stores: ["env": store], consumers: consumer.map { ["trainer": $0] } ?? [:],
        repositories: ["training": Targets.Repository(path: "/srv/training", remote: "origin")],
        trackers: ["security": tracker]),
      history: history, http: http, processes: processes, files: files, outbox: outbox, briefs: briefing,
      postMortems: FakePostMortems(), now: { clock.now })
  }

  func call(_ inputs: [String: Value], earlier: [String: Value] = [:], attempt: Int = 1) -> ActionCall {
    ActionCall(
      run: "run-00000001", incident: "inc-00000001", step: "step", item: nil, attempt: attempt,
      inputs: inputs, earlier: earlier, marker: "staunch-run-00000001-step-1", secrets: secrets,
      progress: secrets)
  }

  func read(_ id: String, _ inputs: [String: Value]) async throws -> ActionResult {
    guard case .read(let action)? = BuiltinActions.all(in: environment)[id] else {
      throw CapabilityError(.invalid, id, because: "it is no read action")
    }
    return try await action.read(call(inputs))
  }

  func effect(_ id: String) throws -> any EffectAction {
    guard case .effect(let action)? = BuiltinActions.all(in: environment)[id] else {
      throw CapabilityError(.invalid, id, because: "it is no effect action")
    }
    return action
  }

  /// Every phase: prepare, seal, perform, seal, as the engine does. - Returns: all outputs.
  @discardableResult
  func run(_ id: String, _ inputs: [String: Value], mode: RunMode = .live) async throws -> ActionResult {
    let action = try effect(id)
    let authority = try ExecutionAuthority.forTests(mode: mode)
    var all = ActionResult()
    for phase in action.phases {
      let call = call(inputs, earlier: all.outputs)
      let prepared = try await action.prepare(call, phase: phase)
      secrets.seal(prepared.secrets)
      let result = try await action.perform(call, phase: phase, prepared: prepared, under: authority)
      secrets.seal(result.secrets)
      all.outputs.merge(result.outputs) { _, new in new }
      all.answer = result.answer ?? all.answer
      all.probes += result.probes
    }
    return all
  }

  /// A phase whose reply is lost, and how it is settled.
  func lose(
    _ id: String, phase: String, _ inputs: [String: Value], earlier: [String: Value] = [:],
    meanwhile: () -> Void = {}
  ) async throws -> Settlement {
    let action = try effect(id)
    let authority = try ExecutionAuthority.forTests()
    let call = call(inputs, earlier: earlier)
    let prepared = try await action.prepare(call, phase: phase)
    secrets.seal(prepared.secrets)
    do {
      _ = try await action.perform(call, phase: phase, prepared: prepared, under: authority)
    } catch {
      guard error.class == .unknownOutcome else { throw error }
    }
    meanwhile()
    return try await action.settle(call, phase: phase, prepared: prepared, under: authority)
  }

  /// A phase that was prepared and never performed, and how it is settled.
  func skip(_ id: String, phase: String, _ inputs: [String: Value], earlier: [String: Value] = [:])
    async throws -> Settlement
  {
    let action = try effect(id)
    let call = call(inputs, earlier: earlier)
    let prepared = try await action.prepare(call, phase: phase)
    secrets.seal(prepared.secrets)
    return try await action.settle(
      call, phase: phase, prepared: prepared, under: try ExecutionAuthority.forTests())
  }
}

extension Settlement {
  /// `done`, `not_done` or `unknown`: the journal's word.
  var word: String {
    switch self {
    case .done: "done"
    case .notDone: "not_done"
    case .notDoneYet: "not_done_yet"
    case .unknown: "unknown"
    }
  }
}
