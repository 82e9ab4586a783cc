public import Capabilities
public import Foundation
import RESTClient

// Sessions outlive the key that they were made from. IAM has no list of them and cannot end one: it denies everything to tokens
// that were issued before a moment.
extension AWSAccessKey {
  /// No session lasts longer (GetSessionToken of a user: 36 hours).
  static let longestSession: TimeInterval = 36 * 3600

  /// Puts the policy on the user and on the entry's roles, and reads it back: a session is left where it does not stand. How
  /// many there were CloudTrail tells; a role that the key took and the entry does not name is an error, once all else is done.
  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    // Tokens are dated to the second: one of the same second is older, too.
    let cut = Date(timeIntervalSince1970: before.timeIntervalSince1970.rounded(.up))
    var left = 0
    let revocation = AWSRevocation(client: client)
    let holders = [AWSRevocation.Holder.user(settings.user)] + settings.roles.map { .role($0) }
    for holder in holders {
      try await revocation.deny(cut, at: holder, under: authority)
      if try await revocation.standingCut(at: holder).map({ $0 >= cut }) != true { left += 1 }
    }
    if left == 0 { memory.witness.noteCut() }
    let made = try await sessions(of: ref, since: before.addingTimeInterval(-Self.longestSession))
    let strange = Set(made.compactMap(\.role)).subtracting(settings.roles).sorted()
    guard strange.isEmpty else {
      let isPlain = strange.allSatisfy(Self.isName)
      throw CapabilityError(
        .configuration, "iam:PutRolePolicy",
        because:
          "the key took \(isPlain ? "role \(strange.joined(separator: ", "))" : "roles of strange names")"
          + ", whose sessions live on; those of user \(settings.user) are ended",
        fix: "add it to roles in staunch.yaml (all its older sessions end), then: staunch resume")
    }
    let found = max(made.count, left)
    return SessionCount(found: found, ended: found - left, left: left)
  }
}
