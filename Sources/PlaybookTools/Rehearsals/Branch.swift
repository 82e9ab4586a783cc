public import Incidents
public import Playbooks

/// One way that a step can go: what a set of tests must have seen.
public struct Branch: Sendable, Hashable, Comparable, CustomStringConvertible {
  public enum Way: String, Sendable, Comparable {
    case conditionHolds = "when holds"
    case conditionDoesNotHold = "when does not hold"
    case someItems = "for_each has items"
    case noItems = "for_each is empty"
    case approved
    case declined
    case proven = "expect or verify is met"
    case notProven = "expect or verify is not met"
    case handedIn = "the person hands it in"
    case recovers = "on_failure is taken"
    public static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
  }

  public let step: StepID
  public let way: Way

  public var description: String { "\(step): \(way.rawValue)" }

  public static func < (one: Self, other: Self) -> Bool { (one.step, one.way) < (other.step, other.way) }

  /// Every branch of a playbook, sorted.
  public static func all(of playbook: Playbook) -> [Branch] {
    playbook.allSteps.flatMap { step in
      var ways: [Way] = []
      if step.condition != nil { ways += [.conditionHolds, .conditionDoesNotHold] }
      if step.loop != nil { ways += [.someItems, .noItems] }
      if step.approval != nil { ways += [.approved, .declined] }
      if let action = step.action, action.isProven { ways += [.proven, .notProven] }
      if case .manual = step.kind { ways.append(.handedIn) }
      switch step.onFailure {
      case .stop: break
      case .proceed, .steps: ways.append(.recovers)
      }
      return ways.map { Branch(step: step.id, way: $0) }
    }.sorted()
  }
}
