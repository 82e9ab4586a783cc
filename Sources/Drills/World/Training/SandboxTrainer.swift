import Foundation
import JSON
import Simulators
import Synchronization

/// The program that uses both credentials: it reads its `.env` when it starts, works with what it read then, and says at
/// `/healthz` whether that still works. Touching its restart file restarts it.
final class SandboxTrainer: Sendable {
  /// Tries one credential; true when it is accepted.
  typealias Check = @Sendable (_ value: String) async -> Bool

  fileprivate final class World: Sendable {
    struct State: Sendable {
      var loaded: [String: String] = [:]
      var restartedAt: Date?
    }
    let state = Mutex(State())
    let environmentFile: String
    let restartFile: String
    let checks: [(key: String, check: Check)]
    let faults: FaultBoard

    init(
      environmentFile: String, restartFile: String, checks: [(key: String, check: Check)], faults: FaultBoard
    ) {
      self.environmentFile = environmentFile
      self.restartFile = restartFile
      self.checks = checks
      self.faults = faults
    }
  }

  let endpoint: SandboxEndpoint
  private let server: LoopbackServer
  fileprivate let world: World

  /// - Parameter checks: the variable and how its value is tried.
  init(
    environmentFile: String, restartFile: String, checks: [(key: String, check: Check)], faults: FaultBoard
  ) throws(DrillError) {
    let world = World(
      environmentFile: environmentFile, restartFile: restartFile, checks: checks, faults: faults)
    world.load()
    self.world = world
    server = try LoopbackServer { request in
      guard request.path == ["healthz"] else { return .answer(404) }
      let failing = await world.failing()
      return failing.isEmpty
        ? .json(200, ["status": "ok"])
        : .json(503, ["status": "failing", "checks": .array(failing.map { .string($0) })])
    }
    endpoint = server.endpoint
  }

  func stop() { server.stop() }

  /// Names of the variables whose value does not work now; empty when it is healthy.
  func failing() async -> [String] { await world.failing() }
}

extension SandboxTrainer.World {
  func failing() async -> [String] {
    restartWhenAsked()
    let (loaded, isRestarted) = state.withLock { ($0.loaded, $0.restartedAt != nil) }
    if isRestarted, faults.strikes(.consumerBreaks) { return ["start-up"] }
    var failing: [String] = []
    for (key, check) in checks {
      guard let value = loaded[key], await check(value) else {
        failing.append(key)
        continue
      }
    }
    return failing
  }

  private func restartWhenAsked() {
    // No such file: nobody asked for a restart yet.
    let attributes = try? FileManager.default.attributesOfItem(atPath: restartFile)
    guard let asked = attributes?[.modificationDate] as? Date else { return }
    let isNew = state.withLock { state in
      guard state.restartedAt != asked else { return false }
      state.restartedAt = asked
      return true
    }
    if isNew { load() }
  }

  func load() {
    let text = FileManager.default.contents(atPath: environmentFile).map {
      String(decoding: $0, as: UTF8.self)
    }
    var values: [String: String] = [:]
    for line in (text ?? "").split(separator: "\n") where !line.hasPrefix("#") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { continue }
      let value = parts[1].trimmingCharacters(in: .whitespaces)
      let isQuoted =
        value.count >= 2 && value.first == value.last && (value.first == "\"" || value.first == "'")
      values[parts[0].trimmingCharacters(in: .whitespaces)] =
        isQuoted ? String(value.dropFirst().dropLast()) : value
    }
    state.withLock { $0.loaded = values }
  }
}
