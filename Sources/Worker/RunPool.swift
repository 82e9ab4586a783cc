import Response

/// Carries out several runs at once: at most two that rotate at the same provider, so that a storm of leaks of one kind does
/// not meet the provider's limits.
struct RunPool<Work: Sendable>: Sendable {
  private var perProvider: Int { 2 }
  private var atOnce: Int { 8 }

  /// One run to go on with.
  struct Entry: Sendable {
    let work: Work
    /// Kind of the credential's provider; nil: it rotates nothing.
    let provider: String?
  }

  /// Does one run, and hears that it has ended. A failure ends the pool once those that run are done.
  let carryOut: @Sendable (Entry) async throws -> Void

  func run(_ entries: [Entry]) async throws {
    var waiting = entries
    var busy: [String: Int] = [:]
    try await withThrowingTaskGroup(of: Entry.self) { group in
      var running = 0
      while true {
        while running < atOnce, let index = waiting.firstIndex(where: { isFree($0.provider, busy) }) {
          let entry = waiting.remove(at: index)
          if let provider = entry.provider { busy[provider, default: 0] += 1 }
          running += 1
          group.addTask {
            try await carryOut(entry)
            return entry
          }
        }
        guard let ended = try await group.next() else { return }
        running -= 1
        if let provider = ended.provider { busy[provider, default: 1] -= 1 }
      }
    }
  }

  private func isFree(_ provider: String?, _ busy: [String: Int]) -> Bool {
    provider.map { busy[$0, default: 0] < perProvider } ?? true
  }
}
