/// Reads the configuration again for each SIGHUP, one after the other; several that come meanwhile are one.
final class HangUps: Sendable {
  private let signal: HangUp
  private let asked: AsyncStream<Void>
  private let asking: AsyncStream<Void>.Continuation
  private let console: Console
  private let reload: @Sendable () async throws -> Void

  /// - Parameter reload: throws when nothing was taken over.
  init(console: Console, reload: @escaping @Sendable () async throws -> Void) {
    let (asked, asking) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    self.asked = asked
    self.asking = asking
    self.console = console
    self.reload = reload
    signal = HangUp { asking.yield() }
  }

  /// Until ``end()``.
  func run() async {
    for await _ in asked {
      do {
        try await reload()
        console.say("read again: staunch.yaml, secrets and certificates")
      } catch {
        let failure = CommandFailure(after: error)
        console.say("not read again, everything goes on as before: \(failure.what): \(failure.because)")
        if let fix = failure.fix { console.say("  fix: \(fix)") }
      }
    }
  }

  /// From now on the signal ends the process again.
  func end() {
    asking.finish()
    signal.end()
  }
}
