import Foundation
import Synchronization

/// Probes the sandbox for as long as a drill runs. What an incident is judged by must not be true at its end alone: a
/// credential that works again for half a second is long enough for whoever has it.
final class SandboxWatch: Sendable {
  typealias Probe = @Sendable () async -> Bool

  /// Twice as often as the shortest lapse that must be seen.
  static let interval = Duration.milliseconds(200)

  private let subjects: [(subject: WatchRecord.Subject, probe: Probe)]
  private let now: @Sendable () -> Date
  private let sleep: @Sendable (Duration) async throws -> Void
  private let state = Mutex(WatchRecord())

  init(
    _ subjects: [(subject: WatchRecord.Subject, probe: Probe)], now: @escaping @Sendable () -> Date,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.subjects = subjects
    self.now = now
    self.sleep = sleep
  }

  var record: WatchRecord { state.withLock { $0 } }

  /// Watches while `body` runs. Each subject has a loop of its own: one that answers slowly blinds no other.
  func during<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (subject, probe) in subjects { group.addTask { await self.watch(subject, probe) } }
      defer { group.cancelAll() }
      return try await body()
    }
  }

  private func watch(_ subject: WatchRecord.Subject, _ probe: Probe) async {
    while !Task.isCancelled {
      let began = now()
      let answer = await probe()
      // The drill may have ended, and its servers with it, while the probe was under way.
      guard !Task.isCancelled else { return }
      state.withLock { $0.add(subject, answer, at: began) }
      do { try await sleep(Self.interval) } catch { return }
    }
  }
}

extension Sandbox {
  /// Runs `body` while everything that a drill is judged by is probed from outside.
  ///
  /// - Parameter tell: hears the scenario's messages at their moments.
  public func watched<Result: Sendable>(
    tell: @escaping @Sendable (String) -> Void, _ body: () async throws -> Result
  ) async throws -> (result: Result, record: WatchRecord) {
    let watch = SandboxWatch(subjects, now: now)
    let result = try await withThrowingTaskGroup(of: Void.self) { group in
      for inject in scenario.injects {
        guard case .message(let text) = inject.content else { continue }
        group.addTask {
          do { try await Task.sleep(for: inject.at) } catch { return }  // the drill was over before
          tell(text)
        }
      }
      defer { group.cancelAll() }
      return try await watch.during(body)
    }
    return (result, watch.record)
  }

  private var subjects: [(subject: WatchRecord.Subject, probe: SandboxWatch.Probe)] {
    let areAccepted = world.bystanders.areAccepted
    var subjects: [(subject: WatchRecord.Subject, probe: SandboxWatch.Probe)] = [
      (.bystanderRefused, { await !areAccepted() })
    ]
    for leak in world.leaks {
      subjects.append((.leak(leak.kind), leak.isAccepted))
      if let isOpen = leak.isSessionOpen { subjects.append((.session(leak.kind), isOpen)) }
    }
    return subjects
  }

  /// What the scenario lets go wrong, and how often it has struck.
  public var injections: [Injection] {
    faults.counts.map { Injection($0.fault.kind.rawValue, wanted: $0.fault.times, struck: $0.struck) }
  }
}
