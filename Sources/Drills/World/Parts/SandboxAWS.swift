import Foundation
import JSON
import Simulators

/// AWS on loopback: an account with the runner's own key, a user whose key has leaked, a session that somebody drew with it an
/// hour ago, and another user's key, which must survive.
final class SandboxAWS: Sendable {
  let account: SimulatedAWS
  let endpoint: SandboxEndpoint
  /// Whose key leaked.
  let user: String
  let leakedID: String
  let leakedSecret = DecoySecret.awsSecretKey()
  let runnerID: String
  let runnerSecret = DecoySecret.awsSecretKey()
  let bystanderSecret = DecoySecret.awsSecretKey()
  private let bystanderID: String
  private let session: SimulatedAWS.Session?
  /// What shows whether the session still may anything.
  private static let triedAction = "s3:ListBucket"
  private let server: LoopbackServer

  /// - Parameters:
  ///   - user: the user with these `rights`.
  ///   - role: what the session is of, with the rights `s3:ListBucket`; nil: of the user itself.
  ///   - lingers: whether a task that was replaced still runs; its id when it is shown.
  init(
    user: String, rights: Set<String>, role: String?, _ faults: FaultBoard,
    lingers: @escaping @Sendable (String?) -> Bool = { _ in false }
  ) throws(DrillError) {
    let account = SimulatedAWS(
      now: { faults.now },
      stillAccepts: { isAsked in
        isAsked ? faults.strikes(.stillAlive) : faults.wouldStrike(.stillAlive)
      }, lingers: lingers)
    account.makeUser("staunch", ["*"])
    account.makeUser(user, rights)
    account.makeUser("reporting", [Self.triedAction])
    if let role { account.makeRole(role, [Self.triedAction]) }
    runnerID = account.makeKey(of: "staunch", secret: runnerSecret)
    leakedID = account.makeKey(of: user, secret: leakedSecret)
    bystanderID = account.makeKey(of: "reporting", secret: bystanderSecret)
    // CloudTrail tells of it by now.
    session = account.drawSession(by: leakedID, role: role, before: 40 * 60)
    self.user = user
    self.account = account
    server = try LoopbackServer { request in
      if faults.strikes(.rateLimit) {
        return .json(400, ["__type": "ThrottlingException", "message": "Rate exceeded"])
      }
      if faults.strikes(.serverError) { return .answer(503) }
      let reply = await account.answer(request)
      return request.form["Action"] == "CreateAccessKey" && faults.strikes(.lostReply) ? .hangUp : reply
    }
    endpoint = server.endpoint
  }

  func stop() { server.stop() }

  var leak: SandboxLeak {
    let (account, id, secret) = (account, leakedID, leakedSecret)
    var isOpen: (@Sendable () async -> Bool)?
    if let session { isOpen = { account.mayStill(session, Self.triedAction) } }
    return SandboxLeak(
      kind: "aws_access_key", value: secret, handle: id, isAccepted: { account.accepts(id, secret) },
      isSessionOpen: isOpen)
  }

  var bystander: (value: String, isAccepted: @Sendable () async -> Bool) {
    let (account, id, secret) = (account, bystanderID, bystanderSecret)
    return (secret, { account.accepts(id, secret) })
  }

  /// Whether a session may still do what its program does.
  func mayWork(_ session: SimulatedAWS.Session) -> Bool { account.mayStill(session, Self.triedAction) }

  /// Keys of the user beside the leaked one.
  var replacementKeys: Int { account.keys(of: user).count { $0 != leakedID } }

  var issuedValues: [String] { account.issued.map(\.secret) }
  /// Ids are no secrets.
  var publicParts: [String] { account.issued.map(\.id) + [leakedID] }

  /// The settings that every AWS entry of staunch.yaml has, indented by four.
  func access(_ files: SandboxFiles) -> String {
    """
        region: \(account.region)
        base_url: \(endpoint.url)
        access_key_id: \(files.key("aws-id"))
        secret_access_key: \(files.key("aws"))
    """
  }
  var runnerSecrets: [String: String] { ["aws": runnerSecret] }
  var publicKeys: [String: String] { ["aws-id": runnerID] }
}
