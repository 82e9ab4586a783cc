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

/// On MiniStack, over libcurl, each test with a role of its own. CloudTrail's answers are written from its documentation
/// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html).
@Suite struct AWSRoleSessionTests {
  private let world: AWSRoleWorld

  init() async throws { world = try await AWSRoleWorld() }

  // MARK: whose it is

  @Test(arguments: Spelling.allCases)
  fileprivate func `a session is read in every spelling that it leaks in`(spelling: Spelling) async throws {
    let provider = try world.provider()
    let leaked = Secret(spelling.text(world.keys))
    #expect(try await provider.identify(Leak(leaked)).identity == world.ref)
    #expect(try await provider.verify(leaked, ref: nil).state == .alive)
  }

  @Test func `parts that leaked one by one are put together by their id`() async throws {
    let provider = try world.provider()
    let token = try #require(world.keys.sessionToken)
    let alone = try await provider.verify(world.keys.secretAccessKey, ref: world.ref)
    #expect(alone.state == .unknown)
    #expect(alone.code.hasPrefix("only a whole session can be tried"))
    let subject = try await provider.subject(
      of: Leak(handle: world.keys.accessKeyID, values: [world.keys.secretAccessKey, token]))
    #expect(subject.identity == world.ref)
    for part in [world.keys.secretAccessKey, token] {
      #expect(try await provider.verify(part, ref: nil).state == .alive)
    }
  }

  @Test func `a session of another role is not this one's, and is named`() async throws {
    let other = try await AWSRoleWorld()
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider().identify(other.leak)
    }
    #expect(error?.class == .notFound)
    #expect(error?.because == "\(other.ref) is of role \(other.role), not of role \(world.role)")
  }

  @Test func `a user's session is sent to its user's entry`() async throws {
    let user = MiniStackServer.name("app")
    let keys = try await world.server.makeUser(user, policy: AWSRoleWorld.everything)
    let made = try await world.server.call("sts", "GetSessionToken", [:], as: keys)["Credentials"]
    let text = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map { made?[$0]?.text ?? "" }
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider().identify(Leak(Secret(text.joined(separator: ":"))))
    }
    #expect(error?.class == .notFound)
    #expect(error?.fix?.contains("aws_iam") == true)
  }

  @Test func `a session of a role that was made anew is none of the new one's`() async throws {
    let server = world.server
    try await server.call("iam", "DeleteRolePolicy", ["RoleName": world.role, "PolicyName": "rights"])
    try await server.call("iam", "DeleteRole", ["RoleName": world.role])
    try await server.makeRole(world.role, policy: AWSRoleWorld.everything)
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider().identify(world.leak)
    }
    #expect(error?.class == .notFound)
  }

  @Test func `by its id alone it is of the role that CloudTrail has recorded`() async throws {
    let id = "ASIAIOSFODNN7EXAMPLE"
    func http(_ role: String?) -> Doctored {
      .trail(role.map { [TrailEvent("ListClusters", by: id, role: $0)] } ?? []) {
        question in
        question.form["Action"] == "GetAccessKeyInfo"
          ? .xml(
            200,
            "<GetAccessKeyInfoResponse><GetAccessKeyInfoResult><Account>000000000000</Account></GetAccessKeyInfoResult></GetAccessKeyInfoResponse>"
          ) : nil
      }
    }
    let leak = Leak(handle: id)
    #expect(try await world.provider(over: http(world.role)).identify(leak).identity.rawValue == id)
    for other in ["another", nil] {
      let error = await #expect(throws: CapabilityError.self) {
        _ = try await world.provider(over: http(other)).identify(leak)
      }
      #expect(error?.class == .notFound)
    }
    // Nobody knows which session it was: all older ones are stopped.
    #expect(try await world.provider().identify(Leak(handle: world.role)).identity.rawValue == world.role)
  }

  @Test func `of an id of another account, AWS says whose it is`() async throws {
    let http = Doctored { question in
      question.form["Action"] == "GetAccessKeyInfo"
        ? .xml(
          200,
          "<GetAccessKeyInfoResponse><GetAccessKeyInfoResult><Account>123456789012</Account></GetAccessKeyInfoResult></GetAccessKeyInfoResponse>"
        ) : nil
    }
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider(over: http).identify(Leak(handle: "ASIAIOSFODNN7EXAMPLE"))
    }
    #expect(error?.because.contains("is of account 123456789012") == true)
  }

  @Test func `a runner that works with a session of the role would end its own`() async throws {
    let provider = try world.provider(as: world.keys)
    let identity = await #expect(throws: CapabilityError.self) { _ = try await provider.identify(world.leak) }
    #expect(identity?.class == .unsafe)
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(world.ref, leak: Leak(), replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .unsafe)
    #expect(try await world.cut() == nil)
  }

  // MARK: ending it

  @Test func `what is denied everything is dead, though it still says who it is`() async throws {
    let provider = try world.provider()
    #expect(try await provider.verify(world.document, ref: nil).state == .alive)
    try await provider.disable(world.ref, leak: world.leak, replacedBy: nil, under: .forTests())
    let probe = try await provider.verify(world.document, ref: nil)
    #expect(
      probe
        == CredentialProbe(
          .dead, code: "403 AccessDeniedException at secretsmanager:ListSecrets, by an explicit deny")
    )
    #expect(probe.evidence?.controls == probe.evidence?.refusals)
    let (status, _) = try await world.server.answer("sts", "GetCallerIdentity", [:], as: world.keys)
    #expect(status == "200")
    // Another process has not seen what it could do, and the words of the refusal tell.
    #expect(try await world.provider().verify(world.document, ref: nil).state == .dead)
    #expect(try await provider.endSessions(world.ref, before: Date(), under: .forTests()).left == 0)
  }

  @Test func `a session of S3 is asked at its bucket`() async throws {
    let bucket = MiniStackServer.name("training")
    try await world.server.makeBucket(bucket)
    let provider = try world.provider(["probe": "s3:ListBucket", "probe_resource": .string("\(bucket)/data")])
    #expect(try await provider.verify(world.document, ref: nil).state == .alive)
    try await provider.disable(world.ref, leak: world.leak, replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(world.document, ref: nil).state == .dead)
  }

  @Test func `what programs drew after the runner's own session lives on`() async throws {
    try await world.age()
    let provider = try world.provider()
    let drawn = try await provider.issue(IssueOrder(marker: "m"), under: .forTests())
    let task = try await world.server.takeRole(world.role)
    try await provider.disable(world.ref, leak: world.leak, replacedBy: drawn.ref, under: .forTests())
    #expect(try await provider.verify(world.document, ref: world.ref).state == .dead)
    #expect(try await provider.verify(drawn.secret, ref: drawn.ref).state == .alive)
    let later = try world.provider()
    #expect(try await later.verify(Secret(Spelling.colons.text(task)), ref: nil).state == .alive)
    // The runner's own may do nothing but what it is asked.
    let own = try JSONValue(parsing: drawn.secret.exposeAsBytes())
    let keys = AWSKeys(
      accessKeyID: own["AccessKeyId"]?.string ?? "",
      secretAccessKey: Secret(own["SecretAccessKey"]?.string ?? ""),
      sessionToken: Secret(own["SessionToken"]?.string ?? ""))
    let (status, _) = try await world.server.answer("iam", "ListUsers", [:], as: keys)
    #expect(status == "403")
  }

  @Test func `a policy that somebody takes away again makes it alive`() async throws {
    let provider = try world.provider()
    try await provider.disable(world.ref, leak: world.leak, replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(world.document, ref: nil).state == .dead)
    try await world.server.call(
      "iam", "DeleteRolePolicy", ["RoleName": world.role, "PolicyName": "AWSRevokeOlderSessions"])
    #expect(try await provider.verify(world.document, ref: nil).state == .alive)
    #expect(try await provider.endSessions(world.ref, before: Date(), under: .forTests()).left == 1)
  }

  @Test func `a refusal while nothing denies older sessions proves nothing`() async throws {
    let http = Doctored { question in
      question.target?.hasSuffix("ListSecrets") == true
        ? .answer(
          400,
          body: Data(
            #"{"__type":"AccessDeniedException","message":"x with an explicit deny in an identity-based policy"}"#
              .utf8)) : nil
    }
    let probe = try await world.provider(over: http).verify(world.document, ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.code.contains("no policy denies older sessions of role \(world.role) anything"))
  }

  @Test func `what a session could never do shows nothing`() async throws {
    let role = MiniStackServer.name("narrow")
    try await world.server.makeRole(
      role,
      policy:
        #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:*","Resource":"*"}]}"#)
    let keys = try await world.server.takeRole(role)
    let probe = try await world.provider(["role": .string(role)]).verify(
      Secret(Spelling.colons.text(keys)), ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.isRefused)
    #expect(probe.code.hasSuffix("and nobody has seen that it ever could do that"))
    let told = try await world.provider(["role": .string(role)]).readiness()
    #expect(
      told.contains {
        if case .missing(let because, _) = $0.verdict, $0.what == "probe" {
          because.contains("its refusal would prove nothing")
        } else {
          false
        }
      })
  }

  @Test func `a policy of that name that denies what is yet to be drawn is named`() async throws {
    try await world.put(cut: Date().addingTimeInterval(86_400))
    let provider = try world.provider()
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(world.ref, leak: world.leak, replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .conflict)
    let drawn = await #expect(throws: CapabilityError.self) {
      _ = try await provider.issue(IssueOrder(marker: "m"), under: .forTests())
    }
    #expect(drawn?.class == .conflict)
  }

  @Test func `a moment that stands never goes back`() async throws {
    try await world.age()
    let provider = try world.provider()
    let drawn = try await provider.issue(IssueOrder(marker: "m"), under: .forTests())
    try await provider.disable(world.ref, leak: world.leak, replacedBy: nil, under: .forTests())
    let first = try await world.cut()
    try await provider.disable(world.ref, leak: world.leak, replacedBy: drawn.ref, under: .forTests())
    let second = try await world.cut()
    #expect(second == first, "drawn: \(drawn.ref)")
  }

  @Test func `a lost reply is settled by reading the policy`() async throws {
    let http = ShakyTransport()
    let provider = try world.provider(over: http)
    http.losesReply.withLock { $0 = true }
    try await provider.disable(world.ref, leak: world.leak, replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(world.document, ref: nil).state == .dead)
  }

  @Test func `where the policy does not stand afterwards, it was not ended`() async throws {
    let http = Doctored { question in
      question.form["Action"] == "PutRolePolicy"
        ? .xml(200, "<PutRolePolicyResponse></PutRolePolicyResponse>") : nil
    }
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider(over: http).disable(
        world.ref, leak: world.leak, replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .conflict)
  }

  @Test func `a service-linked role takes no policy`() async throws {
    let made = try await world.server.call(
      "iam", "CreateServiceLinkedRole",
      ["AWSServiceName": "batch.amazonaws.com", "CustomSuffix": String(MiniStackServer.name("x").suffix(8))])
    let role = made["Role"]?["RoleName"]?.text ?? ""
    let provider = try world.provider(["role": .string(role)])
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(CredentialRef(role), leak: Leak(), replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .unsupported)
    let ready = await provider.readiness()
    #expect(ready.count == 1)
  }

  @Test func `a role that the runner may not take is said with what to grant`() async throws {
    let runner = try await world.server.makeUser(
      MiniStackServer.name("runner"), policy: AWSRoleWorld.everything)
    let role = MiniStackServer.name("task")
    try await world.server.makeRole(
      role, policy: AWSRoleWorld.everything,
      trust:
        #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#
    )
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider(["role": .string(role)], as: runner).issue(
        IssueOrder(marker: "m"), under: .forTests())
    }
    #expect(error?.class == .refused)
    #expect(error?.fix?.contains("trust policy") == true)
  }

  // MARK: what was done with it

  @Test func `other roles, logins of Redshift and a changed trust are named`() async throws {
    let id = world.keys.accessKeyID
    let events = [
      TrailEvent(
        "AssumeRole", by: id, request: ["roleArn": "arn:aws:iam::000000000000:role/admin"],
        response: ["credentials": ["accessKeyId": "ASIAI44QH8DHBEXAMPLE"]]),
      TrailEvent(
        "GetClusterCredentials", by: id, request: ["clusterIdentifier": "lake", "dbUser": "etl"]),
      TrailEvent("UpdateAssumeRolePolicy", by: id, request: ["roleName": "<b>"]),
    ]
    let provider = try world.provider(over: Doctored.trail(events))
    let made = try await provider.successors(world.ref, since: nil)
    #expect(
      made.found.map(\.what) == [
        "session of role admin", "login of Redshift lake/etl", "changed trust of role (no IAM name)",
      ])
    let abuse = try await provider.searchAbuse(world.ref, since: nil)
    #expect(abuse.findings.first == "3 management events from 198.51.100.9")
  }

  // MARK: rights

  @Test func `each right is asked for, and one that is missing is named with its place`() async throws {
    let runner = MiniStackServer.name("runner")
    let role = "arn:aws:iam::000000000000:role/\(world.role)"
    let keys = try await world.server.makeUser(
      runner,
      policy: """
        {"Version":"2012-10-17","Statement":[
          {"Effect":"Allow","Action":["iam:GetRole","iam:GetRolePolicy","sts:AssumeRole"],"Resource":"\(role)"},
          {"Effect":"Allow","Action":["sts:GetAccessKeyInfo","cloudtrail:LookupEvents",
            "iam:SimulatePrincipalPolicy"],"Resource":"*"}]}
        """)
    let found = try await world.provider(as: keys).readiness()
    let missing = found.filter { if case .missing = $0.verdict { true } else { false } }
    #expect(missing.map(\.what) == ["iam:PutRolePolicy"])
    #expect(found.contains { if case .ready = $0.verdict { $0.what == "probe" } else { false } })
  }
}

/// How a session stands in what leaked.
private enum Spelling: CaseIterable {
  case commandLine, taskMetadata, environment, profile, colons

  func text(_ keys: AWSKeys) -> String {
    let (id, secret) = (keys.accessKeyID, keys.secretAccessKey.exposeAsText())
    let token = keys.sessionToken?.exposeAsText() ?? ""
    return switch self {
    case .commandLine:
      #"{"Credentials": {"AccessKeyId": "\#(id)", "SecretAccessKey": "\#(secret)", "SessionToken": "\#(token)"}}"#
    case .taskMetadata:
      #"{"RoleArn":"arn:aws:iam::0:role/r","AccessKeyId":"\#(id)","SecretAccessKey":"\#(secret)","Token":"\#(token)"}"#
    case .environment:
      "export AWS_ACCESS_KEY_ID=\(id)\nexport AWS_SECRET_ACCESS_KEY='\(secret)'\nAWS_SESSION_TOKEN=\"\(token)\"\n"
    case .profile:
      "[default]\naws_access_key_id = \(id)\naws_secret_access_key = \(secret)\naws_session_token = \(token)\n"
    case .colons: "\(id):\(secret):\(token)"
    }
  }
}

/// The contract suite on MiniStack.
@Suite struct AWSRoleSessionContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(AWSRoleSessionFixture.self)
  }

  @Test func `docs say what it is checked for`() async throws {
    try await ContractTable.check(AWSRoleSessionFixture.self)
  }
}

private struct AWSRoleSessionFixture: ContractFixture {
  static let against = "an emulator"
  let transport: ShakyTransport
  let provider: any CredentialProvider
  let leak: Leak
  var canPassADay: Bool { false }

  static func make() async throws -> Self {
    let world = try await AWSRoleWorld()
    try await world.age()
    let transport = ShakyTransport()
    return Self(transport: transport, provider: try world.provider(over: transport), leak: world.leak)
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

/// A role of MiniStack that may do everything, with one session.
private struct AWSRoleWorld {
  static let everything =
    #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#
  let server: MiniStackServer
  let role = MiniStackServer.name("etl")
  let keys: AWSKeys
  var ref: CredentialRef { CredentialRef(keys.accessKeyID) }
  var document: Secret { Secret(Spelling.commandLine.text(keys)) }
  var leak: Leak { Leak(document, handle: keys.accessKeyID) }

  init() async throws {
    server = try MiniStackServer.shared()
    try await server.makeRole(role, policy: Self.everything)
    keys = try await server.takeRole(role)
  }

  /// The emulator dates tokens to the second, by a clock that cannot be set: a session of the same second is not older.
  func age() async throws { try await Task.sleep(for: .milliseconds(1050)) }

  func provider(
    _ more: [String: JSONValue] = [:], as runner: AWSKeys? = nil,
    over http: any HTTPTransport = CurlTransport()
  ) throws -> AWSRoleSession {
    let runner = runner ?? server.root
    var settings: [String: JSONValue] = [
      "role": .string(role), "region": "us-east-1", "base_url": .string(server.url),
      "access_key_id": "env:ID", "secret_access_key": "env:SECRET", "propagation_seconds": 0,
      "probe": "secretsmanager:ListSecrets",
    ]
    var secrets = ["env:ID": Secret(runner.accessKeyID), "env:SECRET": runner.secretAccessKey]
    if let token = runner.sessionToken {
      settings["session_token"] = "env:TOKEN"
      secrets["env:TOKEN"] = token
    }
    return try AWSRoleSession(
      TargetConfiguration(
        name: "etl", kind: AWSRoleSession.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(http: http, secrets: secrets))
  }

  func put(cut: Date) async throws {
    let text =
      #"{"Statement":[{"Action":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"\#(Timestamp.text(cut))"}},"Effect":"Deny","Resource":["*"]}],"Version":"2012-10-17"}"#
    try await server.call(
      "iam", "PutRolePolicy",
      ["RoleName": role, "PolicyName": "AWSRevokeOlderSessions", "PolicyDocument": text])
  }

  /// The policy's text; nil: there is none.
  func cut() async throws -> String? {
    let (status, text) = try await server.answer(
      "iam", "GetRolePolicy", ["RoleName": role, "PolicyName": "AWSRevokeOlderSessions"])
    let rest = text.components(separatedBy: "TokenIssueTime").last
    return status == "200" ? rest?.components(separatedBy: "</PolicyDocument>").first : nil
  }
}
