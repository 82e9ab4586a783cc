import Capabilities

/// Runs `body`, and cancels it when `limit` passed.
///
/// - Throws: what `body` threw; `.timeout` when the time was up; `.cancelled` when the task was cancelled. `body` is
///   always waited for: it must react to cancellation.
func limited<Result: Sendable>(
  to limit: Duration, by clock: any EngineClock, _ operation: String,
  _ body: @escaping @Sendable () async throws(CapabilityError) -> Result
) async throws(CapabilityError) -> Result {
  try await withTaskGroup(of: RaceEnd<Result>.self) { group in
    group.addTask {
      do throws(CapabilityError) { return .done(.success(try await body())) } catch {
        return .done(.failure(error))
      }
    }
    group.addTask {
      do {
        try await clock.sleep(for: limit)
        return .timeUp
      } catch { return .stopped }
    }
    var isTimeUp = false
    while let end = await group.next() {
      switch end {
      case .done(.success(let result)):
        group.cancelAll()
        return Swift.Result<Result, CapabilityError>.success(result)
      case .done(.failure(let error)):
        group.cancelAll()
        guard isTimeUp, error.class != .unknownOutcome else { return .failure(error) }
        return .failure(
          CapabilityError(
            .timeout, operation, because: "no answer within \(limit)", fix: "raise timeout: of the step"))
      case .timeUp:
        isTimeUp = true
        group.cancelAll()
      case .stopped: continue
      }
    }
    return .failure(CapabilityError(.cancelled, operation, because: "the run was stopped"))
  }.get()
}

/// Who came first.
private enum RaceEnd<Success: Sendable>: Sendable {
  case done(Result<Success, CapabilityError>)
  case timeUp
  case stopped
}
