import Capabilities
import Foundation
import Response
import Synchronization

/// Shows how far long work is: one redrawn line with rate and time left on a terminal, a line at each tenth elsewhere.
final class ProgressLine: ProgressSink {
  private struct State: Sendable {
    var phase = ""
    var began = ContinuousClock.now
    var drawn = ContinuousClock.now
    var tenth = -1
  }
  private let console: Console
  private let state = Mutex(State())

  init(console: Console) { self.console = console }

  func progress(_ phase: String, done: Int, total: Int?, unit: String) {
    let now = ContinuousClock.now
    let line: String? = state.withLock { state in
      if state.phase != phase { state = State(phase: phase, began: now, drawn: now - .seconds(1), tenth: -1) }
      let isComplete = total.map { done >= $0 } ?? false
      if console.style.isTerminal {
        guard isComplete || now - state.drawn >= .milliseconds(100) else { return nil }
      } else {
        // Off a terminal: silence for work of under two seconds, then one line at each tenth.
        guard let total, total > 0, now - state.began >= .seconds(2) else { return nil }
        let tenth = done * 10 / total
        guard tenth > state.tenth else { return nil }
        state.tenth = tenth
      }
      state.drawn = now
      return text(phase, done: done, total: total, unit: unit, elapsed: now - state.began)
    }
    guard let line else { return }
    if console.style.isTerminal { console.transient(line) } else { console.say(line) }
  }

  private func text(_ phase: String, done: Int, total: Int?, unit: String, elapsed: Duration) -> String {
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    var line = "  \(phase): \(done)"
    if let total { line += "/\(total)" }
    line += " \(unit)"
    guard seconds > 0.2, done > 0 else { return line }
    let rate = Double(done) / seconds
    line += ", \(Int(rate)) \(unit)/s"
    if let total, total > done { line += ", \(Int((Double(total - done) / rate).rounded(.up))) s left" }
    return line
  }
}
