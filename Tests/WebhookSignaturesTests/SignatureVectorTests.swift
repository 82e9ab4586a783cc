import Cryptography
import Foundation
import Secrets
import Testing
import WebhookSignatures

/// Vectors that the senders themselves publish, and what each verifier must refuse.
@Suite struct SignatureVectorTests {
  static let gitHubKey = Secret("It's a Secret to Everybody")

  @Test func gitHubsOwnVectorIsAccepted() throws {
    let verifier = try GitHubSignature(keys: [Self.gitHubKey])
    let headers = WebhookHeaders([
      ("x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
      ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0000"),
    ])
    let delivery = try verifier.verify(headers, body: Array("Hello, World!".utf8), now: .distantPast)
    #expect(delivery.id == "72d3162e-cc78-11e3-81ab-4c9367dc0000")
    #expect(!delivery.isIDSigned)
  }

  @Test(
    arguments: [
      ("github.created.json", "8ef8db431be7b2e86914cc7e6700f10cb5847e407b59130d27cf5827869397c6"),
      ("github.created.form", "9ba22a576b8b584f07153c46a9fea7e696841340ee1ab5528c77ff0bd25a0d4d"),
    ])
  func aWholeDeliveryIsCheckedOnItsRawBytes(file: String, signature: String) throws {
    let body = Array(try Fixture.data(file))
    let verifier = try GitHubSignature(keys: [Secret("an older key"), Self.gitHubKey])
    let headers = WebhookHeaders([("X-Hub-Signature-256", "sha256=" + signature)])
    _ = try verifier.verify(headers, body: body, now: .now)
    #expect(throws: SignatureError.self) { try verifier.verify(headers, body: body + [0x0A], now: .now) }
  }

  @Test func aSHA1SignatureAloneIsRefused() throws {
    let verifier = try GitHubSignature(keys: [Self.gitHubKey])
    let headers = WebhookHeaders([("X-Hub-Signature", "sha1=f387da5b94d0a542b5cb85cc4d327dfed130dbc9")])
    #expect(throws: SignatureError(.missing, "the header X-Hub-Signature-256 is missing")) {
      try verifier.verify(headers, body: Array(try Fixture.data("github.created.json")), now: .now)
    }
  }

  @Test func aSignatureHeaderThatStandsTwiceIsRefused() throws {
    let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    let verifier = try GitHubSignature(keys: [Self.gitHubKey])
    let headers = WebhookHeaders([("X-Hub-Signature-256", good), ("x-hub-signature-256", good)])
    let error = #expect(throws: SignatureError.self) {
      try verifier.verify(headers, body: Array("Hello, World!".utf8), now: .now)
    }
    #expect(error?.code == .malformed)
  }

  @Test func aRouteWithoutAKeyRefusesToStart() throws {
    let none = #expect(throws: SignatureError.self) { _ = try GitHubSignature(keys: []) }
    let empty = #expect(throws: SignatureError.self) { _ = try SlackSignature(keys: [Secret("")]) }
    #expect(none?.code == .noKey)
    #expect(empty?.code == .noKey)
    #expect(throws: SignatureError.self) { _ = try StandardWebhookSignature(keys: []) }
    #expect(throws: SignatureError.self) { _ = try GitHubPartnerSignature(keys: [:]) }
  }

  @Test func standardWebhooksOwnVectorIsAcceptedWithinFiveMinutes() throws {
    let verifier = try StandardWebhookSignature(keys: [
      Secret("whs" + "ec_MfKQ9r8GKYqrTwjUPD8I" + "LPZIo2LaLaSw")
    ])
    let headers = WebhookHeaders([
      ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"), ("webhook-timestamp", "1614265330"),
      ("webhook-signature", "v2,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ])
    let body = Array(#"{"test": 2432232314}"#.utf8)
    let sent = Date(timeIntervalSince1970: 1_614_265_330)
    let delivery = try verifier.verify(headers, body: body, now: sent.addingTimeInterval(300))
    #expect(delivery.id == "msg_p5jXN8AQM9LWM0D4loKWxJek")
    #expect(delivery.isIDSigned)
    let late = #expect(throws: SignatureError.self) {
      try verifier.verify(headers, body: body, now: sent.addingTimeInterval(301))
    }
    #expect(late?.code == .expired)
  }

  /// Bytes whose base64 has `+`, `/` and padding.
  private static let odd = Data([0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFE] + [UInt8](repeating: 0xFB, count: 14))

  private static func urlSafe(_ data: Data) -> String {
    data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  private static func signed(_ id: String, _ body: String, write: (Data) -> String) -> WebhookHeaders {
    let message = Array("\(id).1614265330.\(body)".utf8)
    let code = HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: odd))
    return WebhookHeaders([
      ("webhook-id", id), ("webhook-timestamp", "1614265330"),
      ("webhook-signature", "v1," + write(Data(code))),
    ])
  }

  @Test(arguments: ["", "whsec" + "_", "v1,whsec" + "_"], [true, false])
  func `a signing secret and a signature are read in every spelling of base64`(
    prefix: String, isURLSafe: Bool
  )
    throws
  {
    func write(_ data: Data) -> String { isURLSafe ? Self.urlSafe(data) : data.base64EncodedString() }
    let verifier = try StandardWebhookSignature(keys: [Secret(prefix + write(Self.odd))])
    let now = Date(timeIntervalSince1970: 1_614_265_330)
    for id in ["msg_1", "evt.2026.11", "0f0e0d0c-0b0a-4900-8807-060504030201"] {
      let found = try verifier.verify(
        Self.signed(id, "{}", write: write), body: Array("{}".utf8), now: now)
      #expect(found.id == id && found.isIDSigned)
    }
  }

  /// `a` + `.1614265330.` + `1614265331.{}` is `a.1614265330` + `.1614265331.` + `{}`, too.
  @Test(arguments: [
    ("a", "1614265331.{}"), ("a\"b", "{}"), ("a{", "{}"), ("a b", "{}"), ("", "{}"),
    (String(repeating: "a", count: 257), "{}"), ("a", ""),
  ])
  func `an id and a body that could be taken apart otherwise are refused`(id: String, body: String) throws {
    let verifier = try StandardWebhookSignature(keys: [Secret(Self.odd.base64EncodedString())])
    let error = #expect(throws: SignatureError.self) {
      try verifier.verify(
        Self.signed(id, body) { $0.base64EncodedString() }, body: Array(body.utf8),
        now: Date(timeIntervalSince1970: 1_614_265_330))
    }
    #expect(error?.code == .malformed)
  }

  @Test func anEd25519SignatureOfStandardWebhooksIsAccepted() throws {
    let key = Curve25519.Signing.PrivateKey()
    let verifier = try StandardWebhookSignature(
      keys: [], publicKeys: ["whpk_" + key.publicKey.rawRepresentation.base64EncodedString()])
    let body = Array("{}".utf8)
    let signature = try key.signature(for: Array("m1.1614265330.".utf8) + body).base64EncodedString()
    let headers = WebhookHeaders([
      ("webhook-id", "m1"), ("webhook-timestamp", "1614265330"), ("webhook-signature", "v1a," + signature),
    ])
    let now = Date(timeIntervalSince1970: 1_614_265_330)
    _ = try verifier.verify(headers, body: body, now: now)
    #expect(throws: SignatureError.self) { try verifier.verify(headers, body: Array("[]".utf8), now: now) }
  }

  @Test func gitGuardiansOwnVectorIsAccepted() throws {
    let verifier = try GitGuardianSignature(tokens: [Secret("foo")])
    let headers = WebhookHeaders([
      ("Timestamp", "0"),
      ("Gitguardian-Signature", "sha256=172fe3d694b734aa53dc892fd3b8d62163fc240064de570ba006900bb54a0fc2"),
    ])
    _ = try verifier.verify(headers, body: Array("bar".utf8), now: Date(timeIntervalSince1970: 10))
  }

  /// Key = timestamp + token: "0" + "foo" and "" + "0foo" are one key.
  @Test(arguments: ["", "0f", "0x0", "-0", " 0", "0.0", "1234567890123"])
  func aTimestampThatIsNoPlainNumberIsRefused(timestamp: String) throws {
    let verifier = try GitGuardianSignature(tokens: [Secret("oo")])
    let headers = WebhookHeaders([
      ("Timestamp", timestamp),
      ("Gitguardian-Signature", "sha256=172fe3d694b734aa53dc892fd3b8d62163fc240064de570ba006900bb54a0fc2"),
    ])
    let error = #expect(throws: SignatureError.self) {
      try verifier.verify(headers, body: Array("bar".utf8), now: Date(timeIntervalSince1970: 0))
    }
    #expect(error?.code == .malformed)
  }

  @Test func slacksOwnVectorIsAccepted() throws {
    // From Slack's documentation; the body is form-encoded.
    let key = Secret("8f742231b10e88" + "88abcd99yyyzzz85a5")
    let body =
      "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
      + "channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
      + "response_url=https%3A%2F%2Fhooks.slack" + ".com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F"
      + "96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    let headers = WebhookHeaders([
      ("X-Slack-Request-Timestamp", "1531420618"),
      ("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
    ])
    _ = try SlackSignature(keys: [key]).verify(
      headers, body: Array(body.utf8), now: Date(timeIntervalSince1970: 1_531_420_618))
  }

  @Test func anyOfPagerDutysSignaturesIsEnough() throws {
    let key = Secret("a pager key")
    let body = Array(#"{"event":{}}"#.utf8)
    let code = HMAC<SHA256>.authenticationCode(
      for: body, using: SymmetricKey(data: Array("a pager key".utf8)))
    let other = String(repeating: "0", count: 64)
    let headers = WebhookHeaders([("X-PagerDuty-Signature", "v0=zz,v1=\(other),v1=\(Hex.text(code))")])
    _ = try PagerDutySignature(keys: [key]).verify(headers, body: body, now: .now)
    #expect(throws: SignatureError.self) {
      try PagerDutySignature(keys: [Secret("another")]).verify(headers, body: body, now: .now)
    }
  }

  @Test func gitLabsTokenIsComparedAsAWhole() throws {
    let verifier = try GitLabToken(tokens: [Secret("old"), Secret("shared-token")])
    let body = Array("{}".utf8)
    let headers = WebhookHeaders([("X-Gitlab-Token", "shared-token"), ("Idempotency-Key", "a5461c4d")])
    #expect(try verifier.verify(headers, body: body, now: .now).id == "a5461c4d")
    for wrong in ["", "shared-toke", "shared-token ", "SHARED-TOKEN"] {
      #expect(throws: SignatureError.self) {
        try verifier.verify(WebhookHeaders([("X-Gitlab-Token", wrong)]), body: body, now: .now)
      }
    }
  }

  @Test func gitHubsPartnerVectorIsAccepted() throws {
    let identifier = "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c"
    let pem = """
      -----BEGIN PUBLIC KEY-----
      MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd
      AjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==
      -----END PUBLIC KEY-----
      """
    let verifier = try GitHubPartnerSignature(keys: [identifier: pem])
    let signature =
      "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg=="
    let body = Array(
      #"[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]"#
        .utf8)
    let headers = WebhookHeaders([
      ("Github-Public-Key-Identifier", identifier), ("Github-Public-Key-Signature", signature),
    ])
    let delivery = try verifier.verify(headers, body: body, now: .now)
    #expect(delivery.id == delivery.bodyDigest)
    #expect(throws: SignatureError.self) { try verifier.verify(headers, body: body + [0x0A], now: .now) }
    let other = WebhookHeaders([
      ("Github-Public-Key-Identifier", "90a4"), ("Github-Public-Key-Signature", signature),
    ])
    let unknown = #expect(throws: SignatureError.self) { try verifier.verify(other, body: body, now: .now) }
    #expect(unknown?.code == .unknownKey)
  }
}
