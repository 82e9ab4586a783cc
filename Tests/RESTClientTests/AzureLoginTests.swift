import Capabilities
import Foundation
import HTTP
import JSON
import RESTClient
import Secrets
import TestSupport
import Testing

/// The runner's own login at Azure, against answers in the words of the documentation (read on 2026-11-30).
///
/// - https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
/// - https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
@Suite struct AzureLoginTests {
  private struct Settings: AdapterSettings {
    let login: AzureLogin
    init(from read: inout SettingsReader) throws(CapabilityError) { login = try AzureLogin(from: &read) }
  }

  private func tokens(
    _ server: LoopbackServer, _ settings: [String: JSONValue],
    now: @escaping @Sendable () -> Date = { Date() }
  ) throws -> AccessTokens {
    let addresses: [String: JSONValue] = [
      "login_url": .string(server.url), "metadata_url": .string(server.url),
    ]
    return try Settings(
      TargetConfiguration(
        name: "azure", kind: "azure", settings: settings.merging(addresses) { old, _ in old },
        position: "staunch.yaml:1:1")
    ).login.tokens(
      for: "https://vault.azure.net",
      in: .forTests(http: CurlTransport(), secrets: ["env:SECRET": Secret("a+b/c=&~")], now: now))
  }

  private static let application: [String: JSONValue] = [
    "login_tenant": "contoso.example", "login_client_id": "1111-2222", "login_client_secret": "env:SECRET",
  ]

  @Test func `a client secret is sent in the body alone, and its token is kept`() async throws {
    let server = try LoopbackServer { _ in
      .json(200, #"{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ.granted"}"#)
    }
    let tokens = try tokens(server, Self.application)
    for _ in 0..<2 { #expect(try await tokens.current().exposeAsText() == "eyJ.granted") }
    #expect(server.requests.count == 1)
    #expect(server.requests[0].target.removingPercentEncoding == "/contoso.example/oauth2/v2.0/token")
    let form = String(decoding: server.requests[0].body, as: UTF8.self)
    let fields = URLComponents(string: "http://x/?" + form)?.queryItems ?? []
    #expect(
      Dictionary(fields.map { ($0.name, $0.value ?? "") }) { _, last in last } == [
        "grant_type": "client_credentials", "client_id": "1111-2222", "client_secret": "a+b/c=&~",
        "scope": "https://vault.azure.net/.default",
      ])
  }

  /// The metadata server writes the lifetime as text.
  @Test func `without a secret the managed identity is asked, and again when its token is about to end`()
    async throws
  {
    let server = try LoopbackServer { _ in
      .json(200, #"{"access_token":"eyJ.managed","expires_in":"3599","token_type":"Bearer"}"#)
    }
    let clock = SharedClock(Date(timeIntervalSince1970: 1_793_491_200))
    let tokens = try tokens(server, ["login_client_id": "1111-2222"], now: { clock.now })
    #expect(try await tokens.current().exposeAsText() == "eyJ.managed")
    let asked = try #require(server.requests.first)
    #expect(asked.headers["metadata"] == "true")
    #expect(
      asked.query == [
        "api-version": "2018-02-01", "resource": "https://vault.azure.net/", "client_id": "1111-2222",
      ])
    clock.advance(by: 3400)
    _ = try await tokens.current()
    #expect(server.requests.count == 1)
    clock.advance(by: 100)
    _ = try await tokens.current()
    #expect(server.requests.count == 2)
  }

  @Test(
    arguments: [
      (
        401, 7_000_222, CapabilityError.Class.refused,
        "Entra refuses the runner's own secret: 401 AADSTS7000222 (expired)"
      ),
      (400, 90002, .invalid, "the server did not accept the request (HTTP 400)"),
    ])
  func `why it was refused is told, and no word of the answer`(
    status: Int, number: Int, kind: CapabilityError.Class, because: String
  ) async throws {
    let server = try LoopbackServer { _ in
      .json(status, #"{"error":"invalid_client","error_description":"SPY","error_codes":[\#(number)]}"#)
    }
    let tokens = try tokens(server, Self.application)
    let error = await #expect(throws: CapabilityError.self) { try await tokens.current() }
    #expect(error?.class == kind)
    #expect(error?.because == because)
  }

  @Test func `a secret without its application is refused before anything is asked`() async throws {
    let server = try LoopbackServer { _ in .json(500, "{}") }
    let error = #expect(throws: CapabilityError.self) {
      try tokens(server, ["login_client_secret": "env:SECRET"])
    }
    #expect(error?.class == .configuration)
  }
}
