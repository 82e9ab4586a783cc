import Synchronization

/// Runs tasks on one thread, in an order that a seed decides: concurrency that can be replayed.
final class SeededExecutor: TaskExecutor {
  private let jobs = Mutex<[UnownedJob]>([])
  private let random: Mutex<SeededRandom>

  init(seed: UInt64) { random = Mutex(SeededRandom(seed)) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
  }

  /// Runs one of the jobs that are ready; false when there is none.
  func runOne() -> Bool {
    let job = jobs.withLock { jobs -> UnownedJob? in
      guard !jobs.isEmpty else { return nil }
      let index = random.withLock { $0.below(jobs.count) }
      jobs.swapAt(index, jobs.count - 1)
      return jobs.removeLast()
    }
    guard let job else { return false }
    job.runSynchronously(on: asUnownedTaskExecutor())
    return true
  }
}

/// Runs `body` to its end in virtual time: when every task waits, the clock jumps to the next alarm.
func inVirtualTime<Success: Sendable>(
  seed: UInt64, _ clock: VirtualClock, _ body: @escaping @Sendable () async throws -> Success
) throws -> Success {
  let executor = SeededExecutor(seed: seed)
  let result = Mutex<Result<Success, any Error>?>(nil)
  Task(executorPreference: executor) {
    do {
      let value = try await body()
      result.withLock { $0 = .success(value) }
    } catch {
      result.withLock { $0 = .failure(error) }
    }
  }
  var jobs = 0
  while true {
    if executor.runOne() {
      jobs += 1
      guard jobs < 2_000_000 else { throw Livelock() }
      continue
    }
    if let result = result.withLock({ $0 }) { return try result.get() }
    guard clock.advance() else { throw Deadlock() }
  }
}

/// Tasks go round in circles.
struct Livelock: Error {}

/// Every task waits and no alarm is set.
struct Deadlock: Error {}
