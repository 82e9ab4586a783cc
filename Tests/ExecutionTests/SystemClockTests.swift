import Execution
import Testing

@Suite struct SystemClockTests {
  @Test func `A sleep ends, and not too early`() async throws {
    let clock = SystemClock()
    let began = clock.elapsed
    try await clock.sleep(for: .milliseconds(20))
    #expect(clock.elapsed - began >= .milliseconds(20))
    try await clock.sleep(for: .zero)
    try await clock.sleep(for: .seconds(-1))
  }

  @Test func `A cancelled sleep ends at once, also one that was cancelled before it began`() async throws {
    let clock = SystemClock()
    let sleeper = Task { try await clock.sleep(for: .seconds(100_000)) }
    sleeper.cancel()
    await #expect(throws: CancellationError.self) { try await sleeper.value }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        await #expect(throws: CancellationError.self) { try await clock.sleep(for: .seconds(100_000)) }
      }
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  @Test func `Of many sleeps all that are not cancelled end`() async throws {
    let clock = SystemClock()
    let ended = try await withThrowingTaskGroup(of: Bool.self, returning: Int.self) { group in
      for number in 0..<300 {
        group.addTask {
          let sleeper = Task { try await clock.sleep(for: .milliseconds(300 - number)) }
          if number % 3 == 0 { sleeper.cancel() }
          do { try await sleeper.value } catch is CancellationError { return false }
          return true
        }
      }
      return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(ended == 200)
  }
}
