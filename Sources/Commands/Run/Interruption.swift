import Dispatch
import Foundation
import Synchronization

/// While it lives, Ctrl-C (and SIGTERM) asks for a stop at the next safe point instead of ending the process.
final class Interruption: Sendable {
  private let state = Mutex(false)
  // Set once in `init`, cancelled once in `end`.
  private let sources: Mutex<[any DispatchSourceSignal]> = Mutex([])

  init(_ stop: @escaping @Sendable () -> Void) {
    for number in [SIGINT, SIGTERM] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { [weak self] in
        self?.state.withLock { $0 = true }
        stop()
      }
      source.resume()
      sources.withLock { $0.append(source) }
    }
  }

  /// Somebody asked.
  var happened: Bool { state.withLock { $0 } }

  /// From now on the signals end the process again.
  func end() {
    sources.withLock { sources in
      for source in sources { source.cancel() }
      sources = []
    }
    for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
  }
}
