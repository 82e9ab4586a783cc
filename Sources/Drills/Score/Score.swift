public import Foundation

/// The result of one drill.
public struct Score: Sendable, Hashable, Codable {
  /// One objective's result.
  public struct Segment: Sendable, Hashable, Codable {
    /// ``Objective/Kind``.
    public let objective: String
    /// Milliseconds; nil without a target.
    public let target: Int?
    /// Milliseconds from the trigger until it was reached; nil when it was not, or has no moment.
    public let reached: Int?
    public let rating: Rating
    /// One line: what was seen.
    public let evidence: String
  }

  /// What makes a drill fail whatever else went well.
  public enum HardFail: String, Sendable, Codable, CaseIterable {
    case secretInOutput = "a secret stands in an output"
    case duplicateTicket = "a ticket was opened twice"
    case lostTicket = "an incident has no ticket"
    case bystanderHarmed = "something outside the leak was changed"
    case deadClaimedWhileAlive = "a credential was called dead while it was accepted"
    case sessionClaimedEnded = "a session was called ended while it answered"
  }

  public let scenario: String
  /// SHA-256 (hex) over the scenario and the playbooks of its runs: only equal ones are compared.
  public let digest: String
  public let at: Date
  public let segments: [Segment]
  public let hardFails: [HardFail]
  /// Why the drill has shown nothing: what should have gone wrong and did not. Nil in scores of earlier versions.
  public let void: [String]?
  /// Milliseconds in all, and in which people were waited for.
  public let total: Int
  public let waited: Int

  public init(
    scenario: String, digest: String, at: Date, segments: [Segment], hardFails: [HardFail],
    void: [String] = [], total: Int, waited: Int
  ) {
    self.scenario = scenario
    self.digest = digest
    self.at = at
    self.segments = segments
    self.hardFails = hardFails
    self.void = void
    self.total = total
    self.waited = waited
  }

  /// Machine time, in milliseconds.
  public var machine: Int { max(0, total - waited) }
  /// Something of the scenario did not happen: the drill counts neither as passed nor as failed.
  public var isVoid: Bool { !(void ?? []).isEmpty }
  /// Every objective was reached, nothing failed hard, and everything that should go wrong did.
  public var isPassed: Bool { !isVoid && hardFails.isEmpty && segments.allSatisfy { $0.rating != .unable } }
  /// The worst rating.
  public var overall: Rating {
    hardFails.isEmpty ? segments.map(\.rating).max() ?? .unable : .unable
  }
}
