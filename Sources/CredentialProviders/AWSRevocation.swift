import Capabilities
import Foundation
import Incidents
import JSON
import RESTClient

/// `AWSRevokeOlderSessions`: IAM has no list of sessions and cannot end one. It denies everything to tokens that were issued
/// before a moment, at a user or a role.
/// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
struct AWSRevocation: Sendable {
  /// The name that AWS's console gives it.
  static let name = "AWSRevokeOlderSessions"

  let client: AWSClient

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
      [(isRole ? "RoleName" : "UserName", name), ("PolicyName", AWSRevocation.name)]
    }
  }

  /// Puts the policy there, unless one stands that denies as much: the moment never goes back. Whether it stands is asked next.
  func deny(_ cut: Date, at holder: Holder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    if let standing = try await standingCut(at: holder), standing >= cut { return }
    do throws(CapabilityError) {
      try await client.change(
        .iam, "Put" + holder.action,
        holder.fields + [("PolicyDocument", Self.document(Timestamp.text(cut)).canonicalText)],
        under: authority)
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
  static func document(_ cut: String) -> JSONValue {
    [
      "Version": "2012-10-17",
      "Statement": [
        [
          "Effect": "Deny", "Action": ["*"], "Resource": ["*"],
          "Condition": ["DateLessThan": ["aws:TokenIssueTime": .string(cut)]],
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
        .string, document == Self.document(cut)
    else { return nil }
    return Timestamp.date(cut)
  }
}
