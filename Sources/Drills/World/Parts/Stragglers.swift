import Simulators
import Synchronization

/// Parts of programs that live on after their restart because the scenario says so, and were shown to whoever asked.
final class Stragglers: Sendable {
  private let faults: FaultBoard
  private let shown = Mutex<[String]>([])

  init(_ faults: FaultBoard) { self.faults = faults }

  /// Whether one would be there, without using anything up.
  var isDue: Bool { faults.wouldStrike(.stragglingPart) }

  /// Somebody was shown `name`.
  func show(_ name: String) {
    guard faults.strikes(.stragglingPart) else { return }
    shown.withLock { if !$0.contains(name) { $0.append(name) } }
  }

  /// In the order in which they were shown.
  var names: [String] { shown.withLock { $0 } }
}
