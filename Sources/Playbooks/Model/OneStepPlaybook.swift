public import Capabilities
import Incidents

extension Playbook {
  /// A playbook that no file holds: one action, done once. What a person asks for by hand runs as its plan.
  ///
  /// - Parameter timeout: of the action.
  public static func oneStep(_ action: ActionSignature, timeout: Duration) -> Playbook {
    let file = "by hand"
    let here = SourcePosition(file: file, line: 1, column: 1)
    // Whoever asked is there: a second try is theirs. A lost reply is settled all the same.
    let once = RetryPolicy(
      attempts: 1, delay: .seconds(1), maxDelay: .seconds(10), jitter: .none, classes: [])
    let call = ActionStep(
      call: Invocation(action: action, arguments: [:], position: here), expectation: nil, verification: nil,
      compensation: nil, retry: once, timeout: timeout)
    let step = Step(
      id: StepID(action.id), title: action.summary, position: here, condition: nil, loop: nil, approval: nil,
      kind: .action(call), onFailure: .stop)
    let id = PlaybookID(action.id)
    return Playbook(
      id: id, title: action.summary, summary: "",
      source: PlaybookSource(id: id, file: file, sha256: digest(of: action.id)), parts: [], inputs: [],
      locks: [], deadline: nil, exceptions: [], steps: [step], finally: [])
  }
}
