import Capabilities
import CredentialProviders
import Foundation
import HTTP
import JSON
import RESTClient
import Secrets
import TestSupport
import Testing

/// What moto has right and MiniStack has not: the limit of two keys.
@Suite(.timeLimit(.minutes(3))) struct AWSAccessKeyLimitTests {
  @Test func `a key that somebody made between the look and the call is AWS's refusal, and no third key`()
    async throws
  {
    let moto = try MotoServer()
    defer { moto.stop() }
    let settings: [String: JSONValue] = [
      "region": "us-east-1", "base_url": .string(moto.url),
      "access_key_id": "env:ID", "secret_access_key": "env:SECRET", "user": "app",
    ]
    let target = TargetConfiguration(
      name: "aws", kind: AWSAccessKey.kind, settings: settings, position: "staunch.yaml:1:1")
    let secrets = ["env:ID": Secret("AKIAIOSFODNN7EXAMPLE"), "env:SECRET": Secret("secret")]
    let client = AWSClient(
      try .init(target), in: .forTests(http: CurlTransport(), secrets: secrets))
    try await client.change(.iam, "CreateUser", [("UserName", "app")], under: .forTests())
    let provider = try AWSAccessKey(
      target, in: .forTests(http: CurlTransport(), secrets: secrets))
    let first = try await provider.issue(IssueOrder(marker: "m"), under: .forTests())
    let late = try AWSAccessKey(
      target, in: .forTests(http: OldList(key: first.ref.rawValue), secrets: secrets))
    let second = try await late.issue(IssueOrder(marker: "m"), under: .forTests())
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await late.issue(IssueOrder(marker: "m"), under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(error?.because.contains("LimitExceeded") == true)
    #expect(Set(try await provider.existing()) == [first.ref, second.ref])
    #expect(try await provider.slots()?.hasRoom == false)
    let facts = try await provider.inspect(first.ref).facts
    #expect(facts["status"] == "Active")
  }
}

/// The list of keys is an old one.
private struct OldList: HTTPTransport {
  let key: String
  private let real = CurlTransport()
  init(key: String) { self.key = key }

  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    guard case .secret(let body) = request.request.body,
      body.exposeAsText().hasPrefix("Action=ListAccessKeys")
    else { return try await real.fetch(request) }
    let list =
      "<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata><member><AccessKeyId>\(key)</AccessKeyId>"
      + "<Status>Active</Status></member></AccessKeyMetadata><IsTruncated>false</IsTruncated>"
      + "</ListAccessKeysResult></ListAccessKeysResponse>"
    return HTTPResponse(status: 200, headers: [:], body: Data(list.utf8))
  }
  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  { try await real.send(request, under: authority) }
}
