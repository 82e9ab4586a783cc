/// What is true in the sandbox at one moment, seen from the outside: not from the journal.
public struct SandboxObservation: Sendable, Hashable {
  /// Leaked credentials that are still accepted, by kind.
  public let acceptedLeaks: [String]
  /// What the store holds whose value is not accepted, or is still the leaked one.
  public let brokenReplacements: [String]
  /// Whether the program that uses both works.
  public let isConsumerHealthy: Bool
  /// Whether a session that was opened with a leaked credential still answers; nil without such a session.
  public let isOldSessionOpen: Bool?
  /// Whether the key that had nothing to do with the leak still works.
  public let isUnrelatedKeyAccepted: Bool
  /// Keys at the provider, besides the leaked and the unrelated one.
  public let replacementKeys: Int
  /// Where decoys are left: `local`, `remote`, `fresh clone`, each with the number of objects.
  public let copies: [String: Int]
  /// Message types by incident, in the order of arrival.
  public let tickets: [String: [String]]
  /// Parts of the programs that were still there after their restart: each must have been named.
  public let stragglers: [String]

  public init(
    acceptedLeaks: [String], brokenReplacements: [String], isConsumerHealthy: Bool, isOldSessionOpen: Bool?,
    isUnrelatedKeyAccepted: Bool, replacementKeys: Int, copies: [String: Int], tickets: [String: [String]],
    stragglers: [String] = []
  ) {
    self.acceptedLeaks = acceptedLeaks
    self.brokenReplacements = brokenReplacements
    self.isConsumerHealthy = isConsumerHealthy
    self.isOldSessionOpen = isOldSessionOpen
    self.isUnrelatedKeyAccepted = isUnrelatedKeyAccepted
    self.replacementKeys = replacementKeys
    self.copies = copies
    self.tickets = tickets
    self.stragglers = stragglers
  }

  /// The part that must be the same before and after: the programs work and bystanders are untouched.
  public var steadyState: [String: Bool] {
    ["consumer healthy": isConsumerHealthy, "unrelated key accepted": isUnrelatedKeyAccepted]
  }
}
