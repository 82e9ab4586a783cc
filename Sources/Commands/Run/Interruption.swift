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

/// While it lives, SIGHUP asks for the configuration to be read again instead of ending the process.
final class HangUp: Sendable {
  private let source: SignalSource

  /// - Parameter reload: called for each signal, on a queue of its own.
  init(_ reload: @escaping @Sendable () -> Void) { source = SignalSource(SIGHUP, reload) }

  /// From now on the signal ends the process again.
  func end() { source.cancel() }
}

/// Ends the process for certain, once it was asked to stop: what still hangs then (a library's call that cannot be cut off) is
/// in the state that a crash leaves, which the next start settles.
final class HardEnd: Sendable {
  /// What was asked to end has ended before.
  private static let limit: TimeInterval = 4.8
  private let isArmed = Atomic(false)
  private let isOver = Atomic(false)
  private let say: @Sendable (String) -> Void

  init(say: @escaping @Sendable (String) -> Void) { self.say = say }

  /// From anywhere; the first time counts.
  func arm() {
    guard !isArmed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    DispatchQueue.global().asyncAfter(deadline: .now() + Self.limit) { [self] in
      guard !isOver.load(ordering: .acquiring) else { return }
      say("stopped while something hung: the next start finds out how it ended")
      _exit(0)
    }
  }

  /// The process ends by itself.
  func disarm() { isOver.store(true, ordering: .releasing) }
}

/// Hears one signal. Several may hear the same: a run inside the worker hears what the worker hears.
private final class SignalSource: @unchecked Sendable {
  // Invariant for @unchecked: everything is set in `init` and only cancelled afterwards, which Dispatch allows anywhere.
  private let source: any DispatchSourceSignal
  private let number: Int32

  /// What a signal did before the first source for it, and how many there are. Dispatch hears with a handler of its own, which the
  /// first source installs: to ignore the signal once more would take it away, and nobody would hear it.
  private static let heard = Mutex<[Int32: (count: Int, previous: (@convention(c) (Int32) -> Void)?)]>([:])

  init(_ number: Int32, _ handler: @escaping @Sendable () -> Void) {
    self.number = number
    source = Self.heard.withLock { heard in
      heard[number] = heard[number].map { ($0.count + 1, $0.previous) } ?? (1, signal(number, SIG_IGN))
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler(handler: handler)
      source.resume()
      return source
    }
  }

  func cancel() {
    source.cancel()
    Self.heard.withLock { heard in
      guard let (count, previous) = heard[number] else { return }
      heard[number] = count > 1 ? (count - 1, previous) : nil
      if count == 1 { signal(number, previous) }
    }
  }
}
