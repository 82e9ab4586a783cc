/// What a scanner or platform says about whether a secret works. Our own proof is ``CredentialState``.
public enum Validity: String, Sendable, Codable, Hashable, CaseIterable {
  /// It was tried and it works.
  case active
  /// It was tried and refused, or revoked.
  case inactive
  /// It was tried without a clear answer.
  case unknown
  /// Nobody tried, or the scanner does not say.
  case notChecked = "not_checked"
  /// A trap that alerts its owner when used. Rotating it would burn the trap.
  case canary

  /// Of two statements about one secret, the one to act on: a trap before anything else, then the most dangerous.
  public func combined(with other: Validity) -> Validity {
    let order: [Validity] = [.canary, .active, .unknown, .inactive, .notChecked]
    return order.first { $0 == self || $0 == other } ?? self
  }
}
