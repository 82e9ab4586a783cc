public import Capabilities

/// The world of one provider for the contract suite, supplied by the provider's own test file.
///
/// What a world cannot do (lose a reply of a real server) it says by its default answer; docs/CONTRACT.md shows it.
public protocol ContractFixture: Sendable {
  /// What stands behind it: "a real server", "a simulator", "a mock written from the reference".
  static var against: String { get }
  /// A world of its own, with one living credential.
  static func make() async throws -> Self
  var provider: any CredentialProvider { get }
  /// The living credential.
  var leak: Leak { get }

  /// A person issues the replacement, where only a person can.
  func handOver() async throws
  /// The next change is carried out and its reply is lost. - Returns: false where that cannot be arranged.
  func loseNextReply() -> Bool
  /// The next call is answered 429.
  func refuseNextCall() -> Bool
  /// After a change, old answers come for so long; with `takingTurns` old and new ones alternate. Nil: cannot be arranged.
  func answerOldThings(takingTurns: Bool) -> Duration?
  func pass(_ time: Duration)
  /// A day is over at once: a lease ends by itself. False where a real server's clock decides.
  var canPassADay: Bool { get }
  /// One of several places cannot be reached until ``mend()``.
  func breakOnePlace() -> Bool
  func mend()
}

extension ContractFixture {
  public func handOver() async throws {}
  public func loseNextReply() -> Bool { false }
  public func refuseNextCall() -> Bool { false }
  public func answerOldThings(takingTurns: Bool) -> Duration? { nil }
  public func pass(_ time: Duration) {}
  public var canPassADay: Bool { true }
  public func breakOnePlace() -> Bool { false }
  public func mend() {}
}

/// A promise that a provider did not keep.
public struct ContractViolation: Error, CustomStringConvertible {
  public let description: String
  init(_ text: String) { description = text }
}

func require(_ isTrue: Bool, _ otherwise: @autoclosure () -> String) throws {
  guard isTrue else { throw ContractViolation(otherwise()) }
}
