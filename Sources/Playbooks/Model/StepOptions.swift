public import Capabilities
public import Incidents

/// `for_each`.
public struct Loop: Sendable, Hashable {
  /// Evaluates to a list.
  public let list: Template
  /// The item's name in expressions.
  public let name: String
  public let itemType: ValueType
  /// How many items at once, from 1.
  public let maxParallel: Int
}

/// `approve`.
public struct ApprovalGate: Sendable, Hashable {
  /// What happens when nobody answered `within`.
  public enum TimeoutResponse: String, Sendable, CaseIterable {
    /// Goes on waiting; the run reports that it waits.
    case wait
    /// The step fails.
    case stop
  }

  /// Roles that may approve; empty: any.
  public let roles: [RoleName]
  /// Different people needed, from 1.
  public let minimum: Int
  /// Whoever started the run does not count.
  public let isNotInitiator: Bool
  /// Nil when the file does not say (lint objects).
  public let within: Duration?
  public let onTimeout: TimeoutResponse
  /// What the approver is shown besides the plan.
  public let show: [String]
  public let position: SourcePosition
}

/// `expect` and `poll`.
public struct Expectation: Sendable, Hashable {
  /// One of the action's answers.
  public let answer: String
  /// Nil: asked once.
  public let poll: Poll?
}

/// `poll`: ask again until the expected answer came `consecutive` times in a row, or until the limit.
public struct Poll: Sendable, Hashable {
  public let interval: Duration
  public let limit: Duration
  /// From 1.
  public let consecutive: Int
}

/// `verify`: a read and the answer that proves the effect.
public struct Verification: Sendable, Hashable {
  public let call: Invocation
  /// Nil only for actions that give no answer: then the call must succeed.
  public let expectation: Expectation?
}

/// `undo`.
public enum Compensation: Sendable, Hashable {
  case action(Invocation)
  /// `none: why`.
  case none(reason: String)
}

/// `retry`.
public struct RetryPolicy: Sendable, Hashable {
  public enum Jitter: String, Sendable, CaseIterable {
    /// Anything between nothing and the whole delay.
    case full
    case none
  }

  /// Including the first, from 1.
  public var attempts: Int
  /// Before the second attempt; doubles each time.
  public var delay: Duration
  public var maxDelay: Duration
  public var jitter: Jitter
  /// What is worth another attempt. Never `unknown_outcome`: a probe settles that.
  public var classes: Set<CapabilityError.Class>

  /// What holds when neither the step nor `defaults` says more.
  public static let standard = RetryPolicy(
    attempts: 5, delay: .seconds(1), maxDelay: .seconds(60), jitter: .full,
    classes: [.network, .rateLimit, .serverError])

  public init(
    attempts: Int, delay: Duration, maxDelay: Duration, jitter: Jitter, classes: Set<CapabilityError.Class>
  ) {
    self.attempts = attempts
    self.delay = delay
    self.maxDelay = maxDelay
    self.jitter = jitter
    self.classes = classes
  }

  /// The upper bound of the pause before `attempt` (from 2), without jitter.
  public func pause(before attempt: Int) -> Duration {
    guard attempt > 1, delay < maxDelay else { return attempt > 1 ? maxDelay : .zero }
    var pause = delay
    for _ in 2..<max(2, attempt) where pause < maxDelay { pause *= 2 }
    return min(pause, maxDelay)
  }
}
