import Capabilities
import Foundation
import HTTP
import JSON
import RESTClient
import Secrets
import Synchronization
import TestSupport
import Testing

/// The runner's own login at Google Cloud, against answers in the words of the documentation (read on 2026-11-30).
///
/// - https://developers.google.com/identity/protocols/oauth2/service-account
/// - https://cloud.google.com/compute/docs/access/authenticate-workloads
@Suite struct GoogleLoginTests {
  private struct Settings: AdapterSettings {
    let login: GoogleLogin
    init(from read: inout SettingsReader) throws(CapabilityError) { login = try GoogleLogin(from: &read) }
  }

  private func tokens(
    _ server: LoopbackServer, _ settings: [String: JSONValue], secrets: [String: Secret] = [:],
    now: @escaping @Sendable () -> Date = { Date() }
  ) throws -> AccessTokens {
    let addresses: [String: JSONValue] = [
      "token_url": .string(server.url + "/token"), "metadata_url": .string(server.url),
    ]
    return try Settings(
      TargetConfiguration(
        name: "gcp", kind: "gcp", settings: settings.merging(addresses) { old, _ in old },
        position: "staunch.yaml:1:1")
    ).login.tokens(in: .forTests(http: CurlTransport(), secrets: secrets, now: now))
  }

  private static let granted = LoopbackServer.Reply.json(
    200, #"{"access_token":"ya29.granted","expires_in":3599,"token_type":"Bearer"}"#)

  private static func file() async throws -> Secret {
    let pem = try await Program.run(
      ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], in: "/")
    return Secret(
      JSONValue.object([
        "type": "service_account", "client_email": "runner@ops.iam.gserviceaccount.com",
        "private_key_id": "0123abcd", "private_key": .string(pem),
        "token_uri": "https://token.attacker.example/token",
      ]).canonicalText)
  }

  @Test func `the metadata server is asked once, and again when its token is about to end`() async throws {
    let server = try LoopbackServer { _ in Self.granted }
    let clock = SharedClock(Date(timeIntervalSince1970: 1_793_491_200))
    let tokens = try tokens(server, [:], now: { clock.now })
    for _ in 0..<3 { #expect(try await tokens.current().exposeAsText() == "ya29.granted") }
    #expect(server.requests.count == 1)
    #expect(
      server.requests[0].target == "/computeMetadata/v1/instance/service-accounts/default/token")
    #expect(server.requests[0].headers["metadata-flavor"] == "Google")
    clock.advance(by: 3599 - 121)
    _ = try await tokens.current()
    #expect(server.requests.count == 1)
    clock.advance(by: 2)
    _ = try await tokens.current()
    #expect(server.requests.count == 2)
  }

  @Test func `a key signs for the account that it names, and its own token_uri is not asked`() async throws {
    let server = try LoopbackServer { _ in Self.granted }
    let today = Date(timeIntervalSince1970: 1_793_491_200)
    let tokens = try tokens(
      server, ["login_key": "env:KEY"], secrets: ["env:KEY": try await Self.file()], now: { today })
    #expect(try await tokens.current().exposeAsText() == "ya29.granted")
    let body = String(decoding: try #require(server.requests.first).body, as: UTF8.self)
    let parts = try #require(body.split(separator: "=").last).split(separator: ".")
    let claims = try #require(Data(base64Encoded: Self.padded(String(parts[1]))))
    #expect(
      try JSONValue(parsing: claims) == [
        "iss": "runner@ops.iam.gserviceaccount.com", "aud": "https://oauth2.googleapis.com/token",
        "scope": "https://www.googleapis.com/auth/cloud-platform", "iat": 1_793_491_200, "exp": 1_793_491_800,
      ])
  }

  private static func padded(_ text: String) -> String {
    let text = text.replacing("-", with: "+").replacing("_", with: "/")
    return text + String(repeating: "=", count: (4 - text.count % 4) % 4)
  }

  @Test(
    arguments: [
      (
        "Invalid JWT Signature.",
        "Google refuses the runner's own key: 400 invalid_grant (Invalid JWT Signature)"
      ),
      (
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
        "the clock of this machine and Google's differ"
      ),
    ])
  func `a refused key and a wrong clock are told apart`(words: String, because: String) async throws {
    let server = try LoopbackServer { _ in
      .json(400, #"{"error":"invalid_grant","error_description":"\#(words)"}"#)
    }
    let tokens = try tokens(
      server, ["login_key": "env:KEY"], secrets: ["env:KEY": try await Self.file()])
    let error = await #expect(throws: CapabilityError.self) { try await tokens.current() }
    #expect(error?.class == .refused)
    #expect(error?.because == because)
    #expect(error?.fix != nil)
  }

  @Test func `what is no key file is the entry's fault, and no word of it is shown`() async throws {
    let server = try LoopbackServer { _ in Self.granted }
    let tokens = try tokens(server, ["login_key": "env:KEY"], secrets: ["env:KEY": Secret("hunter2-hunter2")])
    let error = await #expect(throws: CapabilityError.self) { try await tokens.current() }
    #expect(error?.class == .configuration)
    #expect(error.map { !"\($0)".contains("hunter2") } == true)
    #expect(server.requests.isEmpty)
  }
}

/// A clock that a test moves.
final class SharedClock: Sendable {
  private let time: Mutex<Date>
  init(_ start: Date) { time = Mutex(start) }
  var now: Date { time.withLock { $0 } }
  func advance(by seconds: TimeInterval) { time.withLock { $0 += seconds } }
}
