import Capabilities
import Incidents
import Playbooks
import Synchronization

/// How a list of steps, or one step, came to its end for now.
enum Flow: Sendable {
  case goOn
  /// Failed for good; the run stops.
  case failed(StepID, String)
  /// The world changed since the plan; no `on_failure` excuses that.
  case drifted(StepID, String)
  /// Cannot go on without a person; ``Engine`` knows for what.
  case waits
  /// Stopped on request, at a safe point.
  case stopped
  /// Somebody asked to abort.
  case aborting

  /// What a group says when its branches ended so: the strongest word wins.
  static func combined(_ flows: [Flow]) -> Flow {
    flows.max { $0.weight < $1.weight } ?? .goOn
  }

  private var weight: Int {
    switch self {
    case .goOn: 0
    case .waits: 1
    case .stopped: 2
    case .failed: 3
    case .drifted: 4
    case .aborting: 5
    }
  }

  var isDrift: Bool { if case .drifted = self { true } else { false } }

  /// A failed or stopped item lets the others that run come to their end; a waiting one does not hold them up.
  var letsItemsStart: Bool {
    switch self {
    case .goOn, .waits: true
    case .failed, .drifted, .stopped, .aborting: false
    }
  }

  var isWaiting: Bool { if case .waits = self { true } else { false } }

  var goesOn: Bool { if case .goOn = self { true } else { false } }
}

/// Results of the steps so far. An item of a loop over a group has its own, on top of the run's.
final class StepResults: Sendable {
  private let own = Mutex<[StepID: StepResult]>([:])
  private let outer: StepResults?

  init(over outer: StepResults? = nil) { self.outer = outer }

  func set(_ step: StepID, _ result: StepResult) { own.withLock { $0[step] = result } }

  var all: [StepID: StepResult] {
    let mine = own.withLock { $0 }
    guard let outer else { return mine }
    return mine.isEmpty ? outer.all : outer.all.merging(mine) { _, inner in inner }
  }
}

/// Where a step stands: the names it sees and the loop item it belongs to.
struct StepContext: Sendable {
  var frame: Frame
  let results: StepResults
  /// In `finally` nothing is left that a notification could hold up.
  var isFinal = false

  func scope(attributes: any AttributeSource, own: [String: Value]? = nil) -> Scope {
    Scope(
      inputs: frame.inputs, steps: results.all, own: own, items: frame.items, attributes: attributes)
  }

  func key(_ step: Step) -> StepKey { StepKey(step.id, frame.item) }
}
