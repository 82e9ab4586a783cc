import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import RESTClient
import Secrets
import Synchronization
import TestSupport
import Testing

/// On MiniStack, over libcurl, each test with a user of its own. CloudTrail's answers are written from its documentation
/// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html): MiniStack
/// calls every form `POST.iam`.
@Suite struct AWSAccessKeyTests {
  private let world: AWSWorld

  init() async throws { world = try await AWSWorld() }

  // MARK: whose it is

  @Test func `by its secret alone a key is found while it is active`() async throws {
    let other = try await world.server.makeKey(of: world.user)
    let provider = try world.provider()
    #expect(try await provider.identify(Leak(world.keys.secretAccessKey)).identity == world.ref)
    #expect(try await provider.identify(Leak(other.secretAccessKey)).identity.rawValue == other.accessKeyID)
    try await world.set("Inactive")
    // Another process, which has not seen it before.
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider().identify(Leak(world.keys.secretAccessKey))
    }
    #expect(error?.class == .notFound)
    #expect(error?.because.contains("\(world.ref), which is inactive, AWS does not say") == true)
    #expect(try await world.provider().identify(Leak(handle: "\(world.ref)")).identity == world.ref)
  }

  @Test func `a key of another user is not this one's, and is named`() async throws {
    let stranger = MiniStackServer.name("stranger")
    let keys = try await world.server.makeUser(stranger)
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider().identify(Leak(handle: keys.accessKeyID))
    }
    #expect(error?.class == .notFound)
    #expect(error?.because == "it is a key of user \(stranger), not of \(world.user)")
  }

  @Test func `of a key that the account does not have, AWS says whose it is`() async throws {
    let http = Doctored { request in
      request.form["Action"] == "GetAccessKeyInfo"
        ? .xml(
          200,
          "<GetAccessKeyInfoResponse><GetAccessKeyInfoResult><Account>123456789012</Account></GetAccessKeyInfoResult></GetAccessKeyInfoResponse>"
        ) : nil
    }
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider(over: http).identify(Leak(handle: "AKIAIOSFODNN7EXAMPLE"))
    }
    #expect(error?.class == .notFound)
    #expect(error?.because.hasSuffix("AWS says that it is of account 123456789012") == true)
  }

  @Test func `the runner's own key is not touched`() async throws {
    let provider = try world.provider(as: world.keys)
    for leak in [Leak(world.keys.secretAccessKey), Leak(handle: world.keys.accessKeyID)] {
      let error = await #expect(throws: CapabilityError.self) { _ = try await provider.identify(leak) }
      #expect(error?.class == .unsafe)
    }
  }

  @Test(arguments: ["ASIAIOSFODNN7EXAMPLE", "AKIA", "AKIAiosfodnn7example", "../AKIAIOSFODNN7EXAM"])
  func `what is no key's id is not asked for`(id: String) async throws {
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider().identify(Leak(handle: id))
    }
    #expect(error?.class == .notFound)
  }

  // MARK: alive and dead

  @Test func `a wrong secret is no death, and an unknown id is one`() async throws {
    let provider = try world.provider()
    let wrong = try await provider.verify(Secret("not-its-secret"), ref: world.ref)
    #expect(wrong.state == .unknown)
    #expect(wrong.isRefused)
    #expect(wrong.code == "403 SignatureDoesNotMatch with \(world.ref)")
    let gone = try await provider.verify(Secret("x"), ref: CredentialRef("AKIAIOSFODNN7EXAMPLE"))
    #expect(gone == CredentialProbe(.dead, code: "403 InvalidClientTokenId"))
    #expect(gone.evidence?.refusals == 2)
    #expect(gone.evidence?.controls == 2)
  }

  @Test func `where the runner's own key is refused as well, nothing is dead`() async throws {
    let stranger = AWSKeys(accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: Secret("x"))
    try await world.set("Inactive")
    let probe = try await world.provider(as: stranger).verify(world.keys.secretAccessKey, ref: world.ref)
    #expect(probe.state == .unknown)
    #expect(probe.code.contains("the runner's own key is not accepted there either"))
  }

  @Test func `a key that somebody switches on again is alive`() async throws {
    let provider = try world.provider()
    try await provider.disable(
      world.ref, leak: Leak(world.keys.secretAccessKey), replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(world.keys.secretAccessKey, ref: world.ref).state == .dead)
    try await world.set("Active")
    #expect(try await provider.verify(world.keys.secretAccessKey, ref: world.ref).state == .alive)
  }

  @Test func `a refusal while IAM lists the key as active proves nothing`() async throws {
    let http = Doctored { request in
      request.form["Action"] == "GetCallerIdentity" && request.keyID?.hasPrefix("AKIA") == true
        ? .xml(403, "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>") : nil
    }
    let probe = try await world.provider(over: http).verify(world.keys.secretAccessKey, ref: world.ref)
    #expect(probe.state == .unknown)
    #expect(probe.code == "403 InvalidClientTokenId, but IAM lists it as active")
  }

  @Test(arguments: ["RequestTimeTooSkewed", "Throttling", "AccessDenied", "ServiceUnavailable"])
  func `another refusal is unknown`(code: String) async throws {
    let http = Doctored { request in
      request.form["Action"] == "GetCallerIdentity"
        ? .xml(403, "<ErrorResponse><Error><Code>\(code)</Code></Error></ErrorResponse>") : nil
    }
    let probe = try await world.provider(over: http).verify(world.keys.secretAccessKey, ref: world.ref)
    #expect(probe.state == .unknown)
  }

  // MARK: making and stopping

  @Test func `old and new keys live side by side until the old one is deleted`() async throws {
    let provider = try world.provider()
    let leak = Leak(world.keys.secretAccessKey)
    let issued = try await provider.issue(IssueOrder(marker: "m", replacing: leak), under: .forTests())
    #expect(issued.material["access_key_id"]?.exposeAsText() == issued.ref.rawValue)
    #expect(try await provider.verify(world.keys.secretAccessKey, ref: nil).state == .alive)
    #expect(try await provider.verify(issued.secret, ref: nil).state == .alive)
    let full = await #expect(throws: CapabilityError.self) {
      _ = try await provider.issue(IssueOrder(marker: "m"), under: .forTests())
    }
    #expect(full?.class == .conflict)
    #expect(full?.because.contains("\(world.ref) (active)") == true)
    try await provider.disable(world.ref, leak: leak, replacedBy: issued.ref, under: .forTests())
    try await provider.delete(world.ref, under: .forTests())
    try await provider.delete(world.ref, under: .forTests())
    #expect(try await provider.existing() == [issued.ref])
    #expect(try await provider.verify(world.keys.secretAccessKey, ref: world.ref).state == .dead)
  }

  @Test func `a lost reply is settled by asking the state`() async throws {
    let http = ShakyTransport()
    let provider = try world.provider(over: http)
    http.losesReply.withLock { $0 = true }
    try await provider.disable(world.ref, leak: Leak(), replacedBy: nil, under: .forTests())
    http.losesReply.withLock { $0 = true }
    try await provider.delete(world.ref, under: .forTests())
    #expect(try await provider.existing().isEmpty)
  }

  @Test func `a user that was renamed does not hide its key`() async throws {
    let other = MiniStackServer.name("renamed")
    let http = Doctored { request in
      switch request.form["Action"] {
      case "UpdateAccessKey":
        .xml(404, "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>")
      case "GetAccessKeyLastUsed":
        .xml(
          200,
          "<GetAccessKeyLastUsedResponse><GetAccessKeyLastUsedResult><UserName>\(other)</UserName></GetAccessKeyLastUsedResult></GetAccessKeyLastUsedResponse>"
        )
      default: nil
      }
    }
    let provider = try world.provider(over: http)
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(world.ref, leak: Leak(), replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(error?.because.contains("IAM has it for user \(other)") == true)
  }

  // MARK: sessions

  @Test func `a session that outlives its key is refused what it could do, and a later one is not`()
    async throws
  {
    let session = try await world.session()
    #expect(try await world.mayList(session))
    let provider = try world.provider(over: Doctored.trail([]))
    try await provider.disable(world.ref, leak: Leak(), replacedBy: nil, under: .forTests())
    // The key is dead, and its session is not.
    #expect(try await world.mayList(session))
    let issued = try await provider.issue(IssueOrder(marker: "m"), under: .forTests())
    let count = try await provider.endSessions(world.ref, before: Date(), under: .forTests())
    #expect(count.left == 0)
    #expect(try await !world.mayList(session))
    let fresh = AWSKeys(accessKeyID: issued.ref.rawValue, secretAccessKey: issued.secret)
    #expect(try await world.mayList(fresh))
  }

  @Test
  func `a session of the leaked key itself shows that sessions have ended, and a key is not dead before`()
    async throws
  {
    let http = Doctored.trail([])
    let provider = try world.provider(["session_check": "secretsmanager:ListSecrets"], over: http)
    let leak = Leak(world.keys.secretAccessKey)
    let before = Date()
    try await provider.disable(world.ref, leak: leak, replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(world.keys.secretAccessKey, ref: world.ref).state == .dead)
    // Older than the session: the policy stands, and the session lives.
    _ = try await provider.endSessions(world.ref, before: before - 60, under: .forTests())
    let alive = try await provider.verify(world.keys.secretAccessKey, ref: world.ref)
    #expect(alive.state == .unknown)
    #expect(
      alive.code.hasSuffix("a session that was made from it is still allowed secretsmanager:ListSecrets"))
    _ = try await provider.endSessions(world.ref, before: Date(), under: .forTests())
    #expect(try await provider.verify(world.keys.secretAccessKey, ref: world.ref).state == .dead)
  }

  @Test(arguments: [["session_check": "s3:ListBuckets"], ["session_check": "ssm:GetParameter"]])
  func `a check that cannot be tried is refused`(settings: [String: JSONValue]) throws {
    let error = #expect(throws: CapabilityError.self) { _ = try world.provider(settings) }
    #expect(error?.class == .configuration)
  }

  @Test func `an event that cannot be read leaves nobody to say which roles were taken`() async throws {
    let http = Doctored { request in
      request.target?.hasSuffix("LookupEvents") == true
        ? .answer(200, body: Data(#"{"Events":[{"EventName":"AssumeRole","CloudTrailEvent":"cut"}]}"#.utf8))
        : nil
    }
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider(over: http).endSessions(world.ref, before: Date(), under: .forTests())
    }
    #expect(error?.class == .invalid)
    #expect(try await world.provider(over: http).successors(world.ref, since: nil).covered == nil)
  }

  @Test func `a policy of the same name that denies less is written over`() async throws {
    try await world.server.call(
      "iam", "PutUserPolicy",
      [
        "UserName": world.user, "PolicyName": "AWSRevokeOlderSessions",
        "PolicyDocument":
          #"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["s3:*"],"Resource":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"2099-01-01T00:00:00.000Z"}}}]}"#,
      ])
    let session = try await world.session()
    let provider = try world.provider(over: Doctored.trail([]))
    #expect(try await provider.endSessions(world.ref, before: Date(), under: .forTests()).left == 0)
    #expect(try await !world.mayList(session))
  }

  @Test func `where the policy does not stand afterwards, sessions are left`() async throws {
    let http = Doctored.trail([]) { request in
      request.form["Action"] == "PutUserPolicy"
        ? .xml(200, "<PutUserPolicyResponse></PutUserPolicyResponse>") : nil
    }
    let count = try await world.provider(over: http).endSessions(
      world.ref, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 0, left: 1))
  }

  @Test func `a role that the key took and nobody named keeps the step from being done`() async throws {
    let role = MiniStackServer.name("role")
    let events = [
      TrailEvent(
        "AssumeRole", request: ["roleArn": .string("arn:aws:iam::000000000000:role/app/\(role)")],
        response: ["credentials": ["accessKeyId": "ASIAIOSFODNN7EXAMPLE"]])
    ]
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider(over: Doctored.trail(events)).endSessions(
        world.ref, before: Date(), under: .forTests())
    }
    #expect(error?.class == .configuration)
    #expect(error?.because.contains("role \(role)") == true)
    try await world.server.call(
      "iam", "CreateRole",
      [
        "RoleName": role,
        "AssumeRolePolicyDocument":
          #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#,
      ])
    let named = try world.provider(["roles": [.string(role)]], over: Doctored.trail(events))
    let count = try await named.endSessions(world.ref, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    let policy = try await world.server.call(
      "iam", "GetRolePolicy", ["RoleName": role, "PolicyName": "AWSRevokeOlderSessions"])
    #expect(policy["PolicyDocument"]?.text.contains("TokenIssueTime") == true)
  }

  // MARK: what was done with it

  @Test func `what the key and its sessions made is named, and a strange name is not shown`() async throws {
    let session = "ASIAIOSFODNN7EXAMPLE"
    let events = [
      TrailEvent("GetSessionToken", response: ["credentials": ["accessKeyId": .string(session)]]),
      TrailEvent(
        "CreateUser", by: session, request: ["userName": "backup-admin"]),
      TrailEvent(
        "CreateAccessKey", by: session, request: ["userName": "backup-admin"],
        response: ["accessKey": ["accessKeyId": "AKIAI44QH8DHBEXAMPLE"]]),
      TrailEvent(
        "PutUserPolicy", by: "AKIAI44QH8DHBEXAMPLE",
        request: ["userName": "<script>", "policyName": "all"]),
      TrailEvent("CreateRole", request: ["roleName": "denied"], isFailed: true),
    ]
    let made = try await world.provider(over: Doctored.trail(events)).successors(world.ref, since: nil)
    #expect(
      made.found.map { "\($0.ref): \($0.what)" } == [
        "\(session): session of user \(world.user)",
        "CreateUser/backup-admin: user backup-admin",
        "AKIAI44QH8DHBEXAMPLE: access key of user backup-admin",
        "PutUserPolicy/(no IAM name)/all: policy of user (no IAM name)/all",
      ])
    #expect(made.covered != nil)
  }

  @Test func `without CloudTrail the user's other keys are named, and nobody says that this is all`()
    async throws
  {
    let other = try await world.server.makeKey(of: world.user)
    let http = Doctored { request in
      request.target?.hasSuffix("LookupEvents") == true
        ? .answer(400, body: Data(#"{"__type":"AccessDeniedException"}"#.utf8)) : nil
    }
    let provider = try world.provider(over: http)
    let made = try await provider.successors(world.ref, since: nil)
    #expect(made.found.map(\.ref.rawValue) == [other.accessKeyID])
    #expect(made.covered == nil)
    #expect(try await provider.searchAbuse(world.ref, since: nil).seen == nil)
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await provider.endSessions(world.ref, before: Date(), under: .forTests())
    }
    #expect(error?.class == .refused)
  }

  @Test func `a use from elsewhere is abuse, and its absence proves nothing`() async throws {
    let events = [TrailEvent("ListBuckets", from: "192.0.2.7"), TrailEvent("ListBuckets", from: "10.1.2.3")]
    let settings: [String: JSONValue] = ["expected_clients": ["10.0.0.0/8"]]
    let seen = try await world.provider(settings, over: Doctored.trail(events)).searchAbuse(
      world.ref, since: nil)
    #expect(seen.seen == true)
    #expect(seen.findings.contains("1 management event from 192.0.2.7, not expected"))
    let none = try await world.provider(settings, over: Doctored.trail([events[1]])).searchAbuse(
      world.ref, since: nil)
    #expect(none.seen == nil)
    #expect(none.covered != nil)
  }

  // MARK: rights

  @Test func `each right is asked for, and one that is missing is named with its place`() async throws {
    let runner = MiniStackServer.name("runner")
    let user = "arn:aws:iam::000000000000:user/\(world.user)"
    let keys = try await world.server.makeUser(
      runner,
      policy: """
        {"Version":"2012-10-17","Statement":[
          {"Effect":"Allow","Action":["iam:GetUser","iam:ListAccessKeys","iam:CreateAccessKey","iam:UpdateAccessKey",
            "iam:GetUserPolicy","iam:PutUserPolicy"],"Resource":"\(user)"},
          {"Effect":"Allow","Action":["iam:GetAccessKeyLastUsed","cloudtrail:LookupEvents",
            "iam:SimulatePrincipalPolicy"],"Resource":"*"}]}
        """)
    let found = try await world.provider(as: keys).readiness()
    let missing = found.filter { if case .missing = $0.verdict { true } else { false } }
    #expect(missing.map(\.what) == ["iam:DeleteAccessKey"])
    #expect(found.contains { $0.what == "cloudtrail:LookupEvents" && $0.verdict == .ready("allowed on *") })
    let all = try await world.provider().readiness()
    #expect(
      all.contains {
        if case .missing(let because, _) = $0.verdict { because.contains("root") } else { false }
      })
  }
}

/// The contract suite on MiniStack.
@Suite struct AWSAccessKeyContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(AWSAccessKeyFixture.self)
  }

  @Test func `docs say what it is checked for`() async throws {
    try await ContractTable.check(AWSAccessKeyFixture.self)
  }
}

private struct AWSAccessKeyFixture: ContractFixture {
  static let against = "an emulator"
  let transport: ShakyTransport
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let world = try await AWSWorld()
    let transport = ShakyTransport()
    return Self(
      transport: transport, provider: try world.provider(over: transport),
      leak: Leak(world.keys.secretAccessKey, handle: world.keys.accessKeyID))
  }

  func loseNextReply() -> Bool {
    transport.losesReply.withLock { $0 = true }
    return true
  }

  func refuseNextCall() -> Bool {
    transport.isBusy.withLock { $0 = true }
    return true
  }
}

/// A user of MiniStack with one key that may do everything.
private struct AWSWorld {
  static let everything =
    #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#
  let server: MiniStackServer
  let user = MiniStackServer.name("app")
  let keys: AWSKeys
  var ref: CredentialRef { CredentialRef(keys.accessKeyID) }

  init() async throws {
    server = try MiniStackServer.shared()
    keys = try await server.makeUser(user, policy: Self.everything)
  }

  func provider(
    _ more: [String: JSONValue] = [:], as runner: AWSKeys? = nil,
    over http: any HTTPTransport = CurlTransport()
  ) throws -> AWSAccessKey {
    let runner = runner ?? server.root
    let settings: [String: JSONValue] = [
      "user": .string(user), "region": "us-east-1", "base_url": .string(server.url),
      "access_key_id": "env:ID", "secret_access_key": "env:SECRET", "propagation_seconds": 0,
    ]
    return try AWSAccessKey(
      TargetConfiguration(
        name: "aws", kind: AWSAccessKey.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: http,
        secrets: ["env:ID": Secret(runner.accessKeyID), "env:SECRET": runner.secretAccessKey]))
  }

  func set(_ status: String) async throws {
    try await server.call(
      "iam", "UpdateAccessKey", ["UserName": user, "AccessKeyId": keys.accessKeyID, "Status": status])
  }

  func session() async throws -> AWSKeys {
    let made = try await server.call("sts", "GetSessionToken", [:], as: keys)["Credentials"]
    return AWSKeys(
      accessKeyID: made?["AccessKeyId"]?.text ?? "",
      secretAccessKey: Secret(made?["SecretAccessKey"]?.text ?? ""),
      sessionToken: Secret(made?["SessionToken"]?.text ?? ""))
  }

  /// An action that the user really has.
  func mayList(_ keys: AWSKeys) async throws -> Bool {
    let (status, text) = try await server.answer("iam", "ListAccessKeys", ["UserName": user], as: keys)
    guard status == "200" || text.contains("AccessDenied") else {
      throw SupervisedServer.Failure(description: "ListAccessKeys: \(status) \(text)")
    }
    return status == "200"
  }
}
