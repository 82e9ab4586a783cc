public import Capabilities
public import Foundation
import Incidents
import JSON
import RESTClient
public import Secrets

// Drawing a session as a control, and denying everything to those that are older.
extension AWSRoleSession {
  /// The shortest that AWS makes.
  private static let life: TimeInterval = 900
  /// How far AWS's clock and this machine's may be apart: a signature holds no longer.
  private static let skew: TimeInterval = 300

  struct Role: Sendable {
    let arn: String
    let id: String
    let isServiceLinked: Bool
  }

  func role() async throws(CapabilityError) -> Role {
    let operation = "iam:GetRole"
    let answer = try await client.answer(.iam, "GetRole", [("RoleName", settings.role)])
    if answer.code == "NoSuchEntity" {
      throw CapabilityError(
        .notFound, operation, because: "there is no role \(settings.role) in the runner's account",
        fix: "correct role or access_key_id in staunch.yaml")
    }
    if let failure = client.failure(of: answer, .iam, "GetRole", changes: false) { throw failure }
    let told = AWSElement(parsing: answer.response.body)?["GetRoleResult"]?["Role"]
    guard let arn = told?["Arn"]?.text, let id = told?["RoleId"]?.text, let path = told?["Path"]?.text else {
      throw CapabilityError(.invalid, operation, because: "the answer holds no role")
    }
    return Role(arn: arn, id: id, isServiceLinked: path.hasPrefix("/aws-service-role/"))
  }

  /// - Throws: `.unsupported` for a role that takes no policy of ours.
  private func changeableRole() async throws(CapabilityError) -> Role {
    let role = try await role()
    guard !role.isServiceLinked else {
      throw CapabilityError(
        .unsupported, "iam:PutRolePolicy",
        because: "\(settings.role) is a service-linked role: AWS lets nobody put a policy on it",
        fix: "stop what uses it at its service; its sessions end by themselves")
    }
    return role
  }

  private var holder: AWSRevocation.Holder { .role(settings.role) }
  var revocation: AWSRevocation { AWSRevocation(client: client) }

  /// Before which moment sessions are denied everything; nil: none are.
  func standingCut() async throws(CapabilityError) -> Date? { try await revocation.standingCut(at: holder) }

  // MARK: drawing one

  public func existing() async throws(CapabilityError) -> [CredentialRef] { [] }

  public func generate() throws(CapabilityError) -> Secret? { nil }

  /// Empty: a session ends by itself.
  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  /// Draws a session of fifteen minutes that may do the probe alone: it shows that the role still gives sessions, and its moment,
  /// which stands in its ref, divides old ones from new ones. Programs draw their own.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let operation = "sts:AssumeRole"
    let role = try await changeableRole()
    let now = environment.now()
    if let standing = try await standingCut(), standing > now {
      guard standing <= now.addingTimeInterval(Self.skew) else { throw tooLate(standing) }
      throw CapabilityError(
        .rateLimit, operation, because: "sessions of this moment are denied everything",
        retryAfter: .seconds(2))
    }
    let policy: JSONValue = [
      "Version": "2012-10-17",
      "Statement": [["Effect": "Allow", "Action": .string(check.action), "Resource": "*"] as JSONValue],
    ]
    let made: AWSElement
    do throws(CapabilityError) {
      made = try await client.change(
        .sts, "AssumeRole",
        [
          ("RoleArn", role.arn), ("RoleSessionName", Self.name(order.marker)),
          ("DurationSeconds", "\(Int(Self.life))"), ("Policy", policy.canonicalText),
        ], under: authority)
    } catch {
      guard error.class == .refused, error.because.contains("may not do this") else { throw error }
      throw CapabilityError(
        .refused, operation, because: "the runner may not take role \(settings.role)",
        fix:
          "grant sts:AssumeRole on \(role.arn) to the runner, and name the runner in the role's trust policy: "
          + "the session that it draws may do \(check.action) alone", requestID: error.requestID)
    }
    let told = made["Credentials"]
    guard let id = told?["AccessKeyId"]?.text, AWSAccessKey.isID(id, "ASIA"),
      let secret = told?["SecretAccessKey"]?.text, let token = told?["SessionToken"]?.text,
      let expiry = (told?["Expiration"]?.text).flatMap({ Timestamp.date($0) })
    else {
      throw CapabilityError(
        .unknownOutcome, operation, because: "a session was drawn, and the answer does not hold it whole")
    }
    let keys = AWSKeys(accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: Secret(token))
    memory.noteRole(of: id)
    // By AWS's clock, to the second as it dates tokens.
    let moment = Date(timeIntervalSince1970: (expiry.timeIntervalSince1970 - Self.life).rounded(.down))
    return IssuedCredential(
      ref: CredentialRef("\(id)@\(Timestamp.text(moment))"),
      material: Material(AWSSessionText.document(keys), expiry: expiry))
  }

  /// 2 to 64 of letters, digits and `_+=,.@-`.
  private static func name(_ marker: String) -> String {
    let plain = marker.map { AWSAccessKey.isName(String($0)) ? $0 : "-" }
    return String(("staunch-" + String(plain)).prefix(64))
  }

  private func tooLate(_ standing: Date) -> CapabilityError {
    CapabilityError(
      .conflict, "iam:GetRolePolicy",
      because:
        "\(AWSRevocation.name) at role \(settings.role) denies everything until \(Timestamp.text(standing)): "
        + "also sessions that are yet to be drawn",
      fix: "see who put it there (CloudTrail: PutRolePolicy); take it away, then: staunch resume")
  }

  // MARK: ending them

  /// Denies everything to sessions that are older than the replacement; without one, older than now.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard ref != replacedBy else {
      throw CapabilityError(.unsafe, "end \(ref)", because: "it is the replacement itself")
    }
    _ = try await runner()
    _ = try await changeableRole()
    let now = environment.now()
    // Tokens are dated to the second: one of the same second is older, too.
    let cut =
      replacedBy.flatMap { Self.moment(of: $0) }
      ?? Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.up))
    try await revocation.deny(cut, at: holder, under: authority)
    guard let standing = try await standingCut(), standing >= cut else {
      throw CapabilityError(
        .conflict, "iam:PutRolePolicy",
        because: "\(AWSRevocation.name) does not stand at role \(settings.role) afterwards",
        fix: "see who takes it away (CloudTrail: DeleteRolePolicy, PutRolePolicy), then: staunch resume")
    }
    if standing > now.addingTimeInterval(Self.skew) { throw tooLate(standing) }
  }

  /// When a session was drawn that ``issue(_:under:)`` drew.
  static func moment(of ref: CredentialRef) -> Date? {
    guard let at = ref.rawValue.firstIndex(of: "@") else { return nil }
    return Timestamp.date(String(ref.rawValue[ref.rawValue.index(after: at)...]))
  }

  /// The leaked credential is a session: ``disable(_:leak:replacedBy:under:)`` ends it. One is left while nothing denies it.
  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    let left = try await standingCut() == nil ? 1 : 0
    return SessionCount(found: left, ended: 0, left: left)
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    throw CapabilityError(
      .unsupported, "end \(ref)",
      because: "a session cannot be taken away: it is denied everything, and ends by itself")
  }
}
