import Capabilities
public import Incidents

/// A policy exception that a playbook claims and nobody granted.
public struct UngrantedException: Sendable, Hashable {
  public let name: String
  public let step: StepID
  /// Nil when the step itself calls nothing and the name is not granted at all.
  public let action: String?

  /// One sentence, starting lower-case.
  public var because: String {
    let what = action.map { " (\($0))" } ?? ""
    return "it claims the exception \"\(name)\" for \(step)\(what), which the policy does not grant"
  }

  /// What staunch.yaml would have to say.
  public var grant: String { "policy: {exceptions: {\(name): [\(action ?? "")]}}" }
}

extension Playbook {
  /// The exceptions that silence the linter here without a grant, in the order of the file.
  ///
  /// - Parameter grants: actions by the exception's name, from `policy: exceptions:` of staunch.yaml.
  public func ungrantedExceptions(under grants: [String: [String]]) -> [UngrantedException] {
    let steps = Dictionary(allSteps.map { ($0.id, $0) }) { first, _ in first }
    var found: [UngrantedException] = []
    for exception in exceptions {
      for id in exception.steps {
        let actions = (steps[id]?.withDescendants ?? []).compactMap { $0.action?.call.action.id }
        guard let granted = grants[exception.name] else {
          found.append(UngrantedException(name: exception.name, step: id, action: actions.first))
          continue
        }
        for action in actions where !granted.contains(action) {
          found.append(UngrantedException(name: exception.name, step: id, action: action))
        }
      }
    }
    return found
  }
}
