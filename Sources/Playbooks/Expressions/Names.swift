import Capabilities
import Incidents

/// Which names an expression may use at one place of a playbook, and their types.
struct Names: Sendable {
  /// What is known about one step.
  struct StepEntry: Sendable {
    let id: StepID
    var outputs: [String: ValueType] = [:]
    var children: [String: StepEntry] = [:]
    /// True for a loop: its outputs are one set per item, so only its status can be asked.
    var isLoop = false
  }

  var inputs: [String: ValueType] = [:]
  /// Steps that are done before this place.
  var steps: [String: StepEntry] = [:]
  /// The step's own outputs, in `verify` and `undo`; nil elsewhere.
  var own: [String: ValueType]?
  var items: [String: ValueType] = [:]
  /// Steps of this list that exist but are not done before this place, for better messages.
  var others: Set<String> = []
}
