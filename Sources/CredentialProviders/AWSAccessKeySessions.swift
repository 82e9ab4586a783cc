public import Capabilities
public import Foundation
import Incidents
import JSON
import RESTClient

// Sessions outlive the key that they were made from. IAM has no list of them and cannot end one: it denies everything to tokens
// that were issued before a moment.
extension AWSAccessKey {
  /// The name that AWS's console gives it.
  static let revocation = "AWSRevokeOlderSessions"
  /// No session lasts longer (GetSessionToken of a user: 36 hours).
  static let longestSession: TimeInterval = 36 * 3600

  /// Where the policy is put.
  enum Holder: Sendable, Hashable {
    case user(String)
    case role(String)

    var action: String { self.isRole ? "RolePolicy" : "UserPolicy" }
    var isRole: Bool { if case .role = self { true } else { false } }
    var name: String {
      switch self {
      case .user(let name), .role(let name): name
      }
    }
    var fields: AWSClient.Fields {
      [(isRole ? "RoleName" : "UserName", name), ("PolicyName", AWSAccessKey.revocation)]
    }
  }

  /// Puts the policy on the user and on the entry's roles, and reads it back: a session is left where it does not stand. How
  /// many there were CloudTrail tells; a role that the key took and the entry does not name is an error, once all else is done.
  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    // Tokens are dated to the second: one of the same second is older, too.
    let cut = Date(timeIntervalSince1970: before.timeIntervalSince1970.rounded(.up))
    var left = 0
    let holders = [Holder.user(settings.user)] + settings.roles.map { .role($0) }
    for holder in holders {
      try await deny(cut, at: holder, under: authority)
      if try await standingCut(at: holder).map({ $0 >= cut }) != true { left += 1 }
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

  private func deny(_ cut: Date, at holder: Holder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    if let standing = try await standingCut(at: holder), standing >= cut { return }
    do throws(CapabilityError) {
      try await client.change(
        .iam, "Put" + holder.action,
        holder.fields + [("PolicyDocument", Self.document(cut).canonicalText)], under: authority)
    } catch {
      // Whether it stands is read next.
      guard error.class != .unknownOutcome else { return }
      guard error.class == .conflict else { throw error }
      throw CapabilityError(
        .conflict, error.operation, because: error.because,
        fix:
          "the inline policies of \(holder.name) may be too long together: shorten one, then: staunch resume",
        requestID: error.requestID)
    }
  }

  /// As AWS's console writes it.
  static func document(_ cut: Date) -> JSONValue {
    [
      "Version": "2012-10-17",
      "Statement": [
        [
          "Effect": "Deny", "Action": ["*"], "Resource": ["*"],
          "Condition": ["DateLessThan": ["aws:TokenIssueTime": .string(Timestamp.text(cut))]],
        ]
      ],
    ]
  }

  /// Before which moment tokens are denied everything there; nil: no such policy stands, or it denies less.
  func standingCut(at holder: Holder) async throws(CapabilityError) -> Date? {
    let action = "Get" + holder.action
    let answer = try await client.answer(.iam, action, holder.fields)
    if answer.code == "NoSuchEntity" { return nil }
    if let failure = client.failure(of: answer, .iam, action, changes: false) { throw failure }
    guard let text = AWSElement(parsing: answer.response.body)?["\(action)Result"]?["PolicyDocument"]?.text
    else {
      throw CapabilityError(.invalid, "iam:\(action)", because: "the answer holds no policy")
    }
    guard let plain = text.removingPercentEncoding,
      // Not JSON: no policy of ours.
      let document = try? JSONValue(parsing: Data(plain.utf8)),
      let cut = document["Statement"]?.array?.first?["Condition"]?["DateLessThan"]?["aws:TokenIssueTime"]?
        .string.flatMap(Timestamp.date)
    else { return nil }
    return document == Self.document(cut) ? cut : nil
  }
}
