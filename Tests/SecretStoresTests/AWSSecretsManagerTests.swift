import Capabilities
import Foundation
import HTTP
import JSON
import RESTClient
import SecretStores
import Secrets
import Synchronization
import TestSupport
import Testing

/// On MiniStack, over libcurl, each test with a secret of its own.
@Suite struct AWSSecretsManagerTests {
  private let server: MiniStackServer
  private let name = MiniStackServer.name("app/secret")
  private let leaked = Secret("leaked-value-0123456789")
  private let fresh = Secret("fresh-value-9876543210")

  init() throws { server = try MiniStackServer.shared() }

  private func store(
    _ more: [String: JSONValue] = [:], as keys: AWSKeys? = nil, over http: any HTTPTransport = CurlTransport()
  ) throws -> AWSSecretsManager {
    let keys = keys ?? server.root
    let settings: [String: JSONValue] = [
      "base_url": .string(server.url), "region": "us-east-1", "access_key_id": "env:ID",
      "secret_access_key": "env:SECRET", "secret_id": .string(name),
    ]
    return try AWSSecretsManager(
      TargetConfiguration(
        name: "aws", kind: AWSSecretsManager.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: http, secrets: ["env:ID": Secret(keys.accessKeyID), "env:SECRET": keys.secretAccessKey]))
  }

  @discardableResult
  private func call(_ action: String, _ body: [String: JSONValue]) async throws -> JSONValue {
    try await server.call(
      "secretsmanager", "secretsmanager.\(action)",
      .object(body.merging([action == "CreateSecret" ? "Name" : "SecretId": .string(name)]) { old, _ in old })
    )
  }

  /// - Returns: the version's id.
  private func create(_ text: String) async throws -> String {
    try await call("CreateSecret", ["SecretString": .string(text)])["VersionId"]?.string ?? ""
  }

  private func labels() async throws -> [String: Set<String>] {
    (try await call("DescribeSecret", [:])["VersionIdsToStages"]?.object ?? [:]).mapValues {
      Set($0.array?.compactMap(\.string) ?? [])
    }
  }

  private func text() async throws -> String? {
    try await call("GetSecretValue", [:])["SecretString"]?.string
  }

  private func replace(_ store: AWSSecretsManager, marker: String = "staunch-run-1") async throws -> String {
    try await store.put(
      "KEY", fresh, replacing: [leaked], sparing: [], marker: marker, under: .forTests())
  }

  @Test func `a new value leaves all else as it is written, and the leaked version has no label`()
    async throws
  {
    let old = try await create(
      #"{ "B": 123456789012345678901234567890.50, "KEY": "leaked-value-0123456789","a":[1, {"KEY":"x"}] }"#)
    let new = try await replace(try store())
    #expect(
      try await text()
        == #"{ "B": 123456789012345678901234567890.50, "KEY": "fresh-value-9876543210","a":[1, {"KEY":"x"}] }"#
    )
    let labels = try await labels()
    #expect(labels[new] == ["AWSCURRENT"])
    #expect(labels[old, default: []].isEmpty)
  }

  @Test func `without a leak the former version stays AWSPREVIOUS`() async throws {
    let old = try await create(#"{"KEY":"a"}"#)
    let new = try await store().put(
      "KEY", fresh, replacing: [], sparing: [], marker: "m", under: .forTests())
    #expect(try await labels() == [old: ["AWSPREVIOUS"], new: ["AWSCURRENT"]])
  }

  @Test func `a label of the holder's own is taken off the leaked version`() async throws {
    let old = try await create(#"{"KEY":"leaked-value-0123456789"}"#)
    try await call("UpdateSecretVersionStage", ["VersionStage": "backdoor", "MoveToVersionId": .string(old)])
    let store = try store()
    #expect(try await store.copies(of: [leaked], besides: "KEY").isEmpty)
    _ = try await replace(store)
    #expect(try await labels()[old, default: []].isEmpty)
    #expect(try await store.copies(of: [leaked], besides: nil).isEmpty)
  }

  @Test func `somebody else's pending version is named and not promoted`() async throws {
    let old = try await create(#"{"KEY":"leaked-value-0123456789"}"#)
    let theirs =
      try await call(
        "PutSecretValue",
        [
          "SecretString": #"{"KEY":"theirs"}"#, "VersionStages": ["AWSPENDING"],
          "ClientRequestToken": .string(UUID().uuidString.lowercased()),
        ])["VersionId"]?.string ?? ""
    let error = await #expect(throws: CapabilityError.self) { _ = try await replace(try store()) }
    #expect(error?.class == .conflict)
    #expect(error?.because.contains(theirs) == true)
    #expect(try await labels() == [old: ["AWSCURRENT"], theirs: ["AWSPENDING"]])
  }

  @Test func `what is staged is not current, is promoted once, and is moved back`() async throws {
    let old = try await create(#"{"KEY":"leaked-value-0123456789","OTHER":"x"}"#)
    let store = try store()
    let entries = [StoreEntry("KEY", fresh, replacing: [])]
    try await store.stage(entries, marker: "staunch-run-2", under: .forTests())
    try await store.stage(entries, marker: "staunch-run-2", under: .forTests())
    #expect(try await store.read("KEY").isSame(as: leaked))
    #expect(try await labels().count == 2)
    let other = await #expect(throws: CapabilityError.self) {
      _ = try await store.promote(entries, sparing: [], marker: "staunch-run-3", under: .forTests())
    }
    #expect(other?.class == .notFound)
    let new = try await store.promote(entries, sparing: [], marker: "staunch-run-2", under: .forTests())
    #expect(try await store.read("KEY").isSame(as: fresh))
    #expect(try await labels()[new] == ["AWSCURRENT"])
    #expect(Set(try await store.versions(of: "KEY").map(\.id)) == [old, new])
    // Nothing else differs: the label itself goes back.
    #expect(try await store.moveBack("KEY", to: old, under: .forTests()) == old)
    #expect(try await labels() == [old: ["AWSCURRENT"], new: ["AWSPREVIOUS"]])
  }

  @Test func `moving one member back leaves what others wrote since`() async throws {
    let old = try await create(#"{"KEY":"a","OTHER":"x"}"#)
    let store = try store()
    _ = try await store.put("KEY", Secret("b"), replacing: [], sparing: [], marker: "m", under: .forTests())
    _ = try await store.put("OTHER", Secret("y"), replacing: [], sparing: [], marker: "n", under: .forTests())
    let back = try await store.moveBack("KEY", to: old, under: .forTests())
    #expect(try await text() == #"{"KEY":"a","OTHER":"y"}"#)
    #expect(try await store.currentVersion("KEY") == back)
    let gone = await #expect(throws: CapabilityError.self) {
      _ = try await store.moveBack("KEY", to: UUID().uuidString.lowercased(), under: .forTests())
    }
    #expect(gone?.class == .notFound)
  }

  @Test func `a lost reply of each call is settled by what stands there, and nothing is made twice`()
    async throws
  {
    for lost in 1...5 {
      let name = MiniStackServer.name("lost")
      try await call(
        "CreateSecret", ["Name": .string(name), "SecretString": #"{"KEY":"leaked-value-0123456789"}"#])
      let http = LosingTransport(after: lost)
      let new = try await store(["secret_id": .string(name)], over: http).put(
        "KEY", fresh, replacing: [leaked], sparing: [], marker: "m", under: .forTests())
      let told = try await call("DescribeSecret", ["SecretId": .string(name)])["VersionIdsToStages"]
      #expect(told?[new]?.array == ["AWSCURRENT"])
      #expect(told?.object?.filter { $0.value.array?.isEmpty == false }.count == 1, "reply \(lost)")
    }
  }

  @Test func `a version that was made current meanwhile is not written over`() async throws {
    _ = try await create(#"{"KEY":"a"}"#)
    let (url, name) = (server.url, name)
    // Between the pending version and its promotion.
    let http = LosingTransport(after: 1) { [server] in
      try await server.call(
        "secretsmanager", "secretsmanager.PutSecretValue",
        [
          "SecretId": .string(name), "SecretString": #"{"KEY":"theirs"}"#,
          "ClientRequestToken": .string(UUID().uuidString.lowercased()),
        ])
    }
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await store(["base_url": .string(url)], over: http).put(
        "KEY", fresh, replacing: [], sparing: [], marker: "m", under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(try await text() == #"{"KEY":"theirs"}"#)
  }

  @Test(arguments: ["plain text", "[1]", "\"text\""])
  func `what is no JSON object is not guessed at`(text: String) async throws {
    _ = try await create(text)
    let error = await #expect(throws: CapabilityError.self) { _ = try await replace(try store()) }
    #expect(error?.class == .configuration)
    #expect(try await self.text() == text)
  }

  @Test func `each right is asked for`() async throws {
    _ = try await create(#"{"KEY":"a"}"#)
    let arn = try await call("DescribeSecret", [:])["ARN"]?.string ?? ""
    let runner = try await server.makeUser(
      MiniStackServer.name("runner"),
      policy: """
        {"Version":"2012-10-17","Statement":[
          {"Effect":"Allow","Action":["secretsmanager:DescribeSecret","secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue"],"Resource":"\(arn)"},
          {"Effect":"Allow","Action":"iam:SimulatePrincipalPolicy","Resource":"*"}]}
        """)
    let missing = try await store(as: runner).readiness().filter {
      if case .missing = $0.verdict { true } else { false }
    }
    #expect(missing.map(\.what) == ["secretsmanager:UpdateSecretVersionStage"])
  }

  @Test func `only an ARN is a name that providers know too`() throws {
    #expect(try store().resource(of: "KEY") == nil)
    let arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:app-AbCdEf"
    #expect(try store(["secret_id": .string(arn)]).resource(of: "KEY")?.rawValue == "aws:\(arn)")
  }
}

/// libcurl; the reply of one change is lost, and something may happen then.
private final class LosingTransport: HTTPTransport {
  private let real = CurlTransport()
  private let left: Mutex<Int>
  private let meanwhile: (@Sendable () async throws -> Void)?

  /// - Parameter count: which change: 1 is the first.
  init(after count: Int, _ meanwhile: (@Sendable () async throws -> Void)? = nil) {
    left = Mutex(count)
    self.meanwhile = meanwhile
  }

  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    try await real.fetch(request)
  }

  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  {
    let answer = try await real.send(request, under: authority)
    let isIt = left.withLock { left in
      left -= 1
      return left == 0
    }
    guard isIt else { return answer }
    if let meanwhile {
      do { try await meanwhile() } catch {
        throw CapabilityError(.invalid, "test", because: "\(error)")
      }
      return answer
    }
    throw CapabilityError(.unknownOutcome, "test", because: "the reply is lost")
  }
}
