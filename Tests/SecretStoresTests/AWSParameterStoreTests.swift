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

/// On MiniStack, over libcurl, each test with a path of its own.
@Suite struct AWSParameterStoreTests {
  private let server: MiniStackServer
  private let path = "/" + MiniStackServer.name("app")
  private let leaked = Secret("leaked-value-0123456789")
  private let fresh = Secret("fresh-value-9876543210")

  init() throws { server = try MiniStackServer.shared() }

  private func store(
    _ more: [String: JSONValue] = [:], as keys: AWSKeys? = nil, over http: any HTTPTransport = CurlTransport()
  ) throws -> AWSParameterStore {
    let keys = keys ?? server.root
    let settings: [String: JSONValue] = [
      "base_url": .string(server.url), "region": "us-east-1", "access_key_id": "env:ID",
      "secret_access_key": "env:SECRET", "path": .string(path),
    ]
    return try AWSParameterStore(
      TargetConfiguration(
        name: "aws", kind: AWSParameterStore.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: http, secrets: ["env:ID": Secret(keys.accessKeyID), "env:SECRET": keys.secretAccessKey]))
  }

  private func write(_ key: String, _ value: String, _ more: [String: JSONValue] = [:]) async throws {
    let body: [String: JSONValue] = [
      "Name": .string("\(path)/\(key)"), "Value": .string(value), "Type": "SecureString", "Overwrite": true,
    ]
    try await server.call(
      "ssm", "AmazonSSM.PutParameter", .object(body.merging(more) { _, new in new }))
  }

  private func history(_ key: String) async throws -> [JSONValue] {
    try await server.call(
      "ssm", "AmazonSSM.GetParameterHistory", ["Name": .string("\(path)/\(key)"), "WithDecryption": true])[
        "Parameters"]?.array ?? []
  }

  private func replace(_ store: AWSParameterStore) async throws -> String {
    try await store.put(
      "KEY", fresh, replacing: [leaked], sparing: [], marker: "staunch-run-1", under: .forTests())
  }

  @Test func `type and KMS key stay, and the version that holds the leaked value is named`() async throws {
    try await write("KEY", leaked.exposeAsText(), ["KeyId": "alias/app"])
    try await write("URL", "https://app:\(leaked.exposeAsText())@api.example/x", ["Type": "String"])
    let store = try store()
    #expect(try await replace(store) == "2")
    #expect(try await store.read("URL").exposeAsText() == "https://app:fresh-value-9876543210@api.example/x")
    let last = try await history("KEY").last
    #expect(last?["KeyId"] == "alias/app")
    #expect(last?["Type"] == "SecureString")
    #expect(try await history("URL").last?["Type"] == "String")
    #expect(
      try await store.copies(of: [leaked], besides: "KEY") == [
        SecretCopy(key: "version 1 of \(path)/KEY", canFollow: false, kind: .remark),
        SecretCopy(key: "version 1 of \(path)/URL", canFollow: false, kind: .remark),
      ])
  }

  @Test func `a parameter that deletes itself is not written`() async throws {
    try await write("KEY", leaked.exposeAsText())
    let http = DoctoredHistory()
    let error = await #expect(throws: CapabilityError.self) { _ = try await replace(try store(over: http)) }
    #expect(error?.class == .unsafe)
    #expect(try await store().read("KEY").isSame(as: leaked))
  }

  @Test func `somebody else's write in between is said`() async throws {
    try await write("KEY", leaked.exposeAsText())
    let path = path
    let http = MeanwhileTransport { [server] in
      try await server.call(
        "ssm", "AmazonSSM.PutParameter",
        [
          "Name": .string("\(path)/KEY"), "Value": "theirs", "Type": "SecureString", "Overwrite": true,
        ])
    }
    let error = await #expect(throws: CapabilityError.self) { _ = try await replace(try store(over: http)) }
    #expect(error?.class == .conflict)
    #expect(error?.because.contains("version 2 is not what was read") == true)
  }

  @Test(arguments: ["app", "/app/", "//app", "/", "/a b", "/a/../b?"])
  func `a path that is none is refused`(path: String) throws {
    let error = #expect(throws: CapabilityError.self) { _ = try store(["path": .string(path)]) }
    #expect(error?.class == .configuration)
  }
}

/// Every history has an expiration policy, as the documentation of GetParameterHistory writes it.
private struct DoctoredHistory: HTTPTransport {
  private let real = CurlTransport()
  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    let isHistory = request.request.headers.contains { header in
      guard case .text(let text) = header.value else { return false }
      return text.hasSuffix("GetParameterHistory")
    }
    guard isHistory else { return try await real.fetch(request) }
    let body =
      #"{"Parameters":[{"Name":"/x/KEY","Type":"SecureString","Value":"v","Version":1,"Policies":[{"PolicyType":"Expiration","PolicyStatus":"Pending"}]}]}"#
    return HTTPResponse(status: 200, headers: [:], body: Data(body.utf8))
  }
  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  { try await real.send(request, under: authority) }
}

/// Something happens before the first change is sent.
private final class MeanwhileTransport: HTTPTransport {
  private let real = CurlTransport()
  private let meanwhile: @Sendable () async throws -> Void
  private let isOver = Mutex(false)
  init(_ meanwhile: @escaping @Sendable () async throws -> Void) { self.meanwhile = meanwhile }

  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    try await real.fetch(request)
  }
  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  {
    let isFirst = isOver.withLock { over in
      defer { over = true }
      return !over
    }
    if isFirst {
      do { try await meanwhile() } catch { throw CapabilityError(.invalid, "test", because: "\(error)") }
    }
    return try await real.send(request, under: authority)
  }
}
