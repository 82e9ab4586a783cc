import Capabilities
import Foundation
package import LocalSystem
import Response
package import Secrets
import Synchronization

/// Keeps `staunch-receiver` running beside the worker: starts it, starts it again when it dies, ends it with us.
package final class ReceiverSupervisor: Sendable {
  /// What a start needs; the same every time.
  package struct Start: Sendable {
    package let program: String
    package let settings: String
    package let environment: [String: String]
    package let secrets: Secret
    /// Its byte for every commit that stored something new.
    package let wake: InheritedDescriptor
    /// Held by the endpoint as long as it lives, also when we are killed.
    package let lock: ExclusiveLock
    /// As whom it runs; nil: as we do.
    package var user: EndpointUser?
    /// `text` or `json`.
    package let logFormat: String

    package init(
      program: String, settings: String, environment: [String: String], secrets: Secret,
      wake: InheritedDescriptor, lock: ExclusiveLock, user: EndpointUser? = nil, logFormat: String = "text"
    ) {
      self.logFormat = logFormat
      self.program = program
      self.settings = settings
      self.environment = environment
      self.secrets = secrets
      self.wake = wake
      self.lock = lock
      self.user = user
    }
  }

  private struct State {
    var child: ChildProcess?
    var isStopping = false
    var isOver = false
    /// What the next start needs; the present child ends for it.
    var next: Start?
  }

  /// What it has acknowledged is stored, so nothing is lost with it when it is killed; what is in flight comes again.
  private static let grace = Duration.seconds(3)
  /// One of an earlier process, which nobody waits for.
  private static let patience = Duration.seconds(30)

  private let first: Start
  private let say: @Sendable (String) -> Void
  private let listens: @Sendable (String) -> Void
  private let sleep: @Sendable (Duration) async throws -> Void
  private let elapsed: @Sendable () -> Duration
  private let state = Mutex(State())
  private let stopping = WakeSignal()

  /// - Parameters:
  ///   - say: messages for people.
  ///   - listens: called with `HOST:PORT` each time it listens.
  ///   - elapsed: time that never jumps.
  package init(
    _ start: Start, say: @escaping @Sendable (String) -> Void,
    listens: @escaping @Sendable (String) -> Void,
    elapsed: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void
  ) {
    first = start
    self.say = say
    self.listens = listens
    self.elapsed = elapsed
    self.sleep = sleep
  }

  /// Runs until ``stop()``.
  ///
  /// - Throws: exit 78 when the endpoint refuses its settings: starting it again would not help.
  package func run() async throws {
    defer { state.withLock { $0.isOver = true } }
    var pause = RestartPause()
    var start = first
    while true {
      let began = elapsed()
      guard let child = try launch(start) else { return }
      let ending = await end(of: child)
      start.lock.note(nil)
      if state.withLock({ $0.isStopping }) {
        if ending != .exited(0) { say("the endpoint ended with \(ending)") }
        return
      }
      if let next = state.withLock({ $0.next.take() }) {
        start = next
        continue
      }
      if case .exited(let status) = ending, [64, 78].contains(status) {
        throw Refusal(
          .configuration, "the endpoint does not start",
          because: "it refuses its settings; its message is above",
          fix: "correct receiver: in staunch.yaml, then: staunch doctor")
      }
      let wait = pause.next(afterLiving: elapsed() - began)
      say("the endpoint ended with \(ending); it is started again " + (wait == .zero ? "now" : "in \(wait)"))
      if wait > .zero { await stopping.wait(atMost: wait, by: sleep) }
    }
  }

  /// ``run()`` has returned or failed.
  package var isOver: Bool { state.withLock { $0.isOver } }

  /// Ends the endpoint: it accepts nothing more, finishes what is in flight, and goes.
  package func stop() {
    state.withLock { state in
      state.isStopping = true
      state.child?.signal(SIGTERM)
    }
    stopping.set()
  }

  /// The endpoint ends, finishing what is in flight, and another one takes its place: with other settings, secrets and
  /// certificates. Whoever calls has had them checked (``check(_:settings:)``).
  package func restart(with start: Start) {
    state.withLock { state in
      guard !state.isStopping else { return }
      state.next = start
      state.child?.signal(SIGTERM)
    }
    stopping.set()
  }

  /// Whether an endpoint would start with these: it reads settings, secrets and certificates, and serves nothing. What it lacks it
  /// says itself.
  ///
  /// - Parameter settings: a file other than the one that is in use.
  package static func check(_ start: Start, settings: String) async throws -> Bool {
    let secrets = try InheritedDescriptor.holding(start.secrets, "hand the secrets over")
    let child = try ChildProcess.start(
      start.program, ["--settings", settings, "--secrets-fd", "3", "--check"], environment: start.environment,
      descriptors: [
        1: InheritedDescriptor(borrowing: STDERR_FILENO), 2: InheritedDescriptor(borrowing: STDERR_FILENO),
        3: secrets,
      ])
    return await child.ending() == .exited(0)
  }

  /// - Returns: nil when we are to stop.
  private func launch(_ start: Start) throws -> ChildProcess? {
    let secrets = try InheritedDescriptor.holding(start.secrets, "hand the secrets over")
    let (reading, writing) = try InheritedDescriptor.pipe("hear the endpoint")
    let child = try state.withLock { state -> ChildProcess? in
      guard !state.isStopping else { return nil }
      let child = try ChildProcess.start(
        start.program,
        [
          "--settings", start.settings, "--secrets-fd", "3", "--wake-fd", "4", "--log-format",
          start.logFormat,
        ]
          + (start.user.map { ["--user", "\($0.id):\($0.group)"] } ?? []),
        environment: start.environment,
        descriptors: [
          1: writing, 2: InheritedDescriptor(borrowing: STDERR_FILENO), 3: secrets, 4: start.wake,
          5: InheritedDescriptor(borrowing: start.lock.descriptor),
        ])
      state.child = child
      // Asked for meanwhile: the one that was just started goes.
      if state.next != nil { child.signal(SIGTERM) }
      return child
    }
    if let child {
      start.lock.note(child.pid)
      hear(reading)
    }
    return child
  }

  private func end(of child: ChildProcess) async -> ChildProcess.Ending {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [self] in
        repeat {
          await stopping.wait()
        } while !Task.isCancelled && state.withLock { !$0.isStopping && $0.next == nil }
        // Cancelled: it ended by itself.
        guard !Task.isCancelled, (try? await sleep(Self.grace)) != nil else { return }
        say("the endpoint does not end; it is killed")
        child.signal(SIGKILL)
      }
      let ending = await child.ending()
      group.cancelAll()
      return ending
    }
  }

  /// Its `ready` lines, until it ends. A thread of its own: a pipe is read blocking.
  private func hear(_ reading: InheritedDescriptor) {
    let listens = listens
    Thread.detachNewThread {
      var text: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(reading.number, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        text += buffer[..<count]
        while let end = text.firstIndex(of: 0x0A) {
          let line = String(decoding: text[..<end], as: UTF8.self)
          text.removeFirst(end + 1)
          if line.hasPrefix("ready ") { listens(String(line.dropFirst("ready ".count))) }
        }
        if text.count > 65536 { text = [] }  // nothing that we know is so long
      }
    }
  }
}

extension ReceiverSupervisor {
  /// The endpoint's place in a state directory. One that was left by a killed `staunch serve` went on storing; it ends now,
  /// and what it stored is taken in.
  package static func place(
    _ path: String, say: (String) -> Void, sleep: @escaping @Sendable (Duration) async throws -> Void
  ) async throws -> ExclusiveLock {
    if let lock = try ExclusiveLock.take(path) { return lock }
    guard let pid = ExclusiveLock.holder(of: path), pid > 1 else {
      throw Refusal(
        .unavailable, "an endpoint of an earlier staunch serve still runs",
        because: "\(path) does not say which",
        fix: "see it and end it: fuser -v \(path)")
    }
    say("an endpoint of an earlier staunch serve still runs (process \(pid)); it is ended first")
    kill(pid, SIGTERM)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        // Cancelled: it went by itself.
        guard (try? await sleep(patience)) != nil else { return }
        kill(pid, SIGKILL)
      }
      let lock = try await ExclusiveLock.waitAndTake(path)
      group.cancelAll()
      return lock
    }
  }
}
