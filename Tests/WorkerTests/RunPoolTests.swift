import Synchronization
import Testing

@testable import Response
@testable import Worker

@Suite struct RunPoolTests {
  /// Counts who runs, and keeps everybody until so many have come.
  private final class Gate: Sendable {
    private struct State {
      var running: [String: Int] = [:]
      var most: [String: Int] = [:]
      var done = 0
    }
    private let state = Mutex(State())

    func enter(_ name: String) {
      state.withLock { state in
        state.running[name, default: 0] += 1
        state.most[name] = max(state.most[name, default: 0], state.running[name, default: 0])
      }
    }
    func leave(_ name: String) {
      state.withLock { state in
        state.running[name, default: 0] -= 1
        state.done += 1
      }
    }
    func most(_ name: String) -> Int { state.withLock { $0.most[name, default: 0] } }
    var done: Int { state.withLock { $0.done } }
  }

  @Test func `two runs at a provider at once, and all of them in the end`() async throws {
    let gate = Gate()
    let entries = (0..<12).map { RunPool.Entry(work: $0, provider: $0 % 2 == 0 ? "postgres" : "openai") }
    try await RunPool<Int> { entry in
      let name = entry.provider ?? ""
      gate.enter(name)
      // Others get their turn while this one runs.
      for _ in 0..<50 { await Task.yield() }
      gate.leave(name)
    }.run(entries)
    #expect(gate.done == 12)
    #expect(gate.most("postgres") <= 2 && gate.most("openai") <= 2)
    #expect(gate.most("postgres") + gate.most("openai") > 2, "different providers do not wait for each other")
  }
}
