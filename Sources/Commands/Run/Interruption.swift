import Dispatch
import Foundation
import Synchronization

/// While it lives, Ctrl-C (and SIGTERM) asks for a stop at the next safe point instead of ending the process.
final class Interruption: Sendable {
  private let flag = Flag()
  private let sources: [SignalSource]

  /// - Parameter stop: called for each signal, on a queue of its own.
  init(_ stop: @escaping @Sendable () -> Void) {
    let flag = flag
    sources = [SIGINT, SIGTERM].map { number in
      SignalSource(number) {
        flag.set()
        stop()
      }
    }
  }

  /// Somebody asked.
  var happened: Bool { flag.isSet }

  /// From now on the signals end the process again.
  func end() { for source in sources { source.cancel() } }

  /// Set once, read from anywhere.
  private final class Flag: Sendable {
    private let state = Atomic(false)
    var isSet: Bool { state.load(ordering: .acquiring) }
    func set() { state.store(true, ordering: .releasing) }
  }
}

/// Hears one signal.
private final class SignalSource: @unchecked Sendable {
  // Invariant for @unchecked: everything is set in `init` and only cancelled afterwards, which Dispatch allows anywhere.
  private let source: any DispatchSourceSignal
  private let number: Int32
  /// What the signal did before: a run inside the worker must not end the worker's own hearing.
  private let previous: (@convention(c) (Int32) -> Void)?

  init(_ number: Int32, _ handler: @escaping @Sendable () -> Void) {
    self.number = number
    previous = signal(number, SIG_IGN)
    source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler(handler: handler)
    source.resume()
  }

  func cancel() {
    source.cancel()
    signal(number, previous)
  }
}
