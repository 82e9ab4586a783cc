import Capabilities
import Consumers
import Foundation
import HTTP
import JSON
import LocalSystem
import RESTClient
import Secrets
import Synchronization
import TestSupport
import Testing

/// A kubeconfig of staunch.yaml, on this machine's files, before a simulation of the API.
@Suite struct KubeconfigTests {
  private let directory: TemporaryDirectory
  private let cluster: KubernetesSimulation
  private var path: String { directory.path("config") }

  init() throws {
    directory = try TemporaryDirectory()
    cluster = try KubernetesSimulation()
    cluster.put(
      "/apis/external-secrets.io/v1/namespaces/prod/externalsecrets/app",
      ["spec": ["refreshInterval": "1h"]])
  }

  /// As kubectl writes it.
  private func write(
    user: String, cluster more: String = "", server: String? = nil, current: String = "prod",
    name: String = "u"
  ) throws {
    try """
    apiVersion: v1
    kind: Config
    current-context: \(current)
    preferences: {}
    contexts:
    - context: {cluster: c, user: u, namespace: elsewhere}
      name: prod
    - context: {cluster: other, user: u}
      name: staging
    clusters:
    - cluster:
        server: \(server ?? cluster.url)/
        \(more.isEmpty ? "extensions: []" : more)
      name: c
    - cluster: {server: "https://staging.example:6443"}
      name: other
    users:
    - name: \(name)
      user: \(user)

    """.write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
  }

  private func consumer(
    _ more: [String: JSONValue] = [:], over http: any HTTPTransport = CurlTransport()
  ) throws -> any Consumer {
    let settings: [String: JSONValue] = [
      "server": .string(cluster.url), "kubeconfig": .string(path), "namespace": "prod", "name": "app",
    ]
    return try ConsumerRegistry.make(
      TargetConfiguration(
        name: "sync", kind: ExternalSecret.kind,
        settings: settings.merging(more) { _, new in new }.filter { $0.value != .null },
        position: "staunch.yaml:1:1"),
      in: .forTests(http: http, files: LocalFileSystem()))
  }

  private func token() -> String { "{token: \(cluster.admin.exposeAsText())}" }

  @Test func `the token of the current context is taken, in staunch.yaml's namespace`() async throws {
    try write(user: token())
    _ = try await consumer().plan()
    #expect(
      cluster.requests.map(\.path) == ["/apis/external-secrets.io/v1/namespaces/prod/externalsecrets/app"])
  }

  @Test func `another context that somebody has switched to is refused, and nothing is sent`() async throws {
    try write(user: token(), current: "staging")
    let error = await #expect(throws: CapabilityError.self) { try await consumer().plan() }
    #expect(error?.class == .unsafe && error?.because.contains("leads to another server") == true)
    #expect(cluster.requests.isEmpty)
    _ = try await consumer(["context": "prod"]).plan()
  }

  @Test func `a token's file is read anew at each call, from beside the kubeconfig`() async throws {
    try write(user: "{tokenFile: token, token: old}")
    let file = directory.path("token")
    try "wrong\n".write(toFile: file, atomically: true, encoding: .utf8)
    let consumer = try consumer()
    let error = await #expect(throws: CapabilityError.self) { try await consumer.plan() }
    #expect(error?.class == .refused)
    try (cluster.admin.exposeAsText() + "\n").write(toFile: file, atomically: true, encoding: .utf8)
    _ = try await consumer.plan()
  }

  @Test func `a client certificate and its authority go along in memory, and no token`() async throws {
    let seen = SeenRequests()
    let pem = "-----BEGIN CERTIFICATE-----"
    let data = Data(pem.utf8).base64EncodedString()
    try "KEY".write(toFile: directory.path("key.pem"), atomically: true, encoding: .utf8)
    try write(
      user: "{client-certificate-data: \(data), client-key: key.pem}",
      cluster: "certificate-authority-data: \(data)")
    await #expect(throws: CapabilityError.self) { try await consumer(over: seen).plan() }
    let request = try #require(seen.all.first)
    #expect(request.headers.isEmpty)
    #expect(
      request.trust
        == ServerTrust(authorityPEM: Secret(pem), certificatePEM: Secret(pem), keyPEM: Secret("KEY")))
  }

  @Test(
    arguments: [
      (
        "{exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks, get-token]}}", "",
        "runs aws"
      ),
      ("{auth-provider: {name: gcp}}", "", "auth-provider"), ("{username: a, password: b}", "", "a password"),
      ("{token: t, as: admin}", "", "acts as somebody else"), ("{}", "", "neither a token nor"),
      ("{client-certificate-data: eA==}", "", "not both"),
      ("{token: t}", "insecure-skip-tls-verify: true", "not to verify"),
      ("{token: t}", "proxy-url: http://127.0.0.1:1", "proxy-url"),
      ("{token: t}", "tls-server-name: x", "tls-server-name"),
      ("{token: t, client-key-data: '%%', client-certificate-data: eA==}", "", "no base64"),
    ]
  )
  func `what would run a program, trust anybody or act as another is refused with words`(
    user: String, cluster more: String, word: String
  ) async throws {
    try write(user: user, cluster: more)
    let error = await #expect(throws: CapabilityError.self) { try await consumer().plan() }
    #expect(error?.because.contains(word) == true && error?.fix != nil, "\(String(describing: error))")
    #expect(cluster.requests.isEmpty)
    let readiness = try await consumer().readiness()
    #expect(readiness.allSatisfy { if case .ready = $0.verdict { false } else { true } })
  }

  @Test func `a file that others may write, or that is none, is refused`() async throws {
    try write(user: token())
    try FileManager.default.setAttributes([.posixPermissions: 0o620], ofItemAtPath: path)
    let error = await #expect(throws: CapabilityError.self) { try await consumer().plan() }
    #expect(error?.class == .unsafe && error?.because.contains("others may write") == true)
    try write(user: token(), name: "somebody")
    let absent = await #expect(throws: CapabilityError.self) { try await consumer().plan() }
    #expect(absent?.because == "it has no user u")
    try "a: [secret-word".write(toFile: path, atomically: true, encoding: .utf8)
    let broken = await #expect(throws: CapabilityError.self) { try await consumer().plan() }
    #expect(broken?.class == .configuration && !"\(String(describing: broken))".contains("secret-word"))
  }

  @Test(
    arguments: [
      ["server": .null], ["token": "env:T"], ["tls_ca": "/x"], ["kubeconfig": "config"],
      ["kubeconfig": "/a/config:/b/config"], ["kubeconfig": .null, "context": "prod"],
    ] as [[String: JSONValue]])
  func `where the cluster is, and which one file, stands in staunch.yaml`(_ settings: [String: JSONValue])
    throws
  {
    let error = #expect(throws: CapabilityError.self) { try consumer(settings) }
    #expect(error?.class == .configuration)
  }
}

/// Remembers what would be sent, and answers nothing.
private final class SeenRequests: HTTPTransport {
  private let requests = Mutex<[HTTPRequest]>([])
  var all: [HTTPRequest] { requests.withLock { $0 } }

  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    requests.withLock { $0.append(request.request) }
    throw CapabilityError(.network, "test", because: "nobody is there")
  }
  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  { throw CapabilityError(.network, "test", because: "nobody is there") }
}
