import Cryptography
import Foundation
import Secrets
import TestSupport

@testable import Server

/// Keys of the test routes, and requests signed with them as each sender signs.
enum TestKeys {
  static let now = 1_790_000_000.0
  static let key = FakeSecrets.value("webhook key")
  static let older = FakeSecrets.value("older webhook key")
  static let signingBytes = Data((0..<32).map { UInt8($0) })
  static let secrets: [String: Secret] = [
    "key": Secret(key), "older": Secret(older), "basic": Secret("prometheus:" + key),
    "signing": Secret("whsec" + "_" + signingBytes.base64EncodedString()),
  ]

  /// A route of each kind, all with ``key``.
  static func route(_ kind: RouteKind) -> RouteSettings {
    var route = RouteSettings(path: "/" + kind.rawValue, kind: kind)
    let own: [SecretReference] = [.inherited("older"), .inherited("key")]
    switch kind {
    case .github, .pagerduty, .slack: route.keys = own
    case .gitlab, .gitguardian, .report, .cloudEvents: route.tokens = own
    case .gitlabRevocation:
      route.tokens = own
      route.types = ["gitleaks_rule_id_aws"]
    case .alertmanager:
      route.tokens = own
      route.credentials = [.inherited("basic")]
    case .standardWebhooks: route.signingKeys = [.inherited("signing")]
    case .awsSNS: route.topics = ["arn:aws:sns:eu-west-1:123456789012:health"]
    case .githubPartner: route.api = "https://api.example.org"
    }
    if kind == .cloudEvents { route.origins = ["eventemitter.example.org"] }
    return route
  }

  static func mac(_ message: [UInt8], key: Data = Data(TestKeys.key.utf8)) -> Data {
    Data(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
  }

  /// A GitHub delivery.
  static func github(
    _ body: String = #"{"action":"created","alert":{"number":1}}"#, event: String = "secret_scanning_alert",
    id: String? = nil, path: String = "/github"
  ) -> RawRequest {
    RawRequest(
      path,
      [
        ("Content-Type", "application/json"), ("X-GitHub-Event", event),
        ("X-GitHub-Delivery", id ?? Hex.text(SHA256.hash(data: Data(body.utf8)).prefix(16))),
        ("X-Hub-Signature-256", "sha256=" + Hex.text(mac(Array(body.utf8)))),
      ], body: body)
  }

  /// A delivery of `kind`, signed or with its token; nil for kinds with a handshake of their own.
  static func request(_ kind: RouteKind, body: String? = nil, at seconds: Int = Int(now)) -> RawRequest? {
    let json = ("Content-Type", "application/json")
    let path = "/" + kind.rawValue
    let text = body ?? sample(kind)
    let bytes = Array(text.utf8)
    switch kind {
    case .github: return github(text)
    case .gitlab:
      return RawRequest(
        path,
        [json, ("X-Gitlab-Event", "Vulnerability Hook"), ("X-Gitlab-Token", key), ("Idempotency-Key", "g1")],
        body: text)
    case .gitlabRevocation:
      return RawRequest(path + "/v1/revoke_tokens", [json, ("Authorization", key)], body: text)
    case .gitguardian:
      let code = mac(bytes, key: Data("\(seconds)\(key)".utf8))
      return RawRequest(
        path, [json, ("Timestamp", "\(seconds)"), ("Gitguardian-Signature", "sha256=" + Hex.text(code))],
        body: text)
    case .standardWebhooks:
      let code = mac(Array("msg_1.\(seconds).".utf8) + bytes, key: signingBytes)
      return RawRequest(
        path,
        [
          json, ("webhook-id", "msg_1"), ("webhook-timestamp", "\(seconds)"),
          ("webhook-signature", "v1," + code.base64EncodedString()),
        ], body: text)
    case .cloudEvents:
      return RawRequest(
        path,
        [
          json, ("Authorization", "Bearer " + key), ("ce-specversion", "1.0"), ("ce-id", "A234"),
          ("ce-source", "/scanner"), ("ce-type", "leak.found"),
        ], body: text)
    case .pagerduty:
      return RawRequest(
        path, [json, ("X-PagerDuty-Signature", "v0=ff,v1=" + Hex.text(mac(bytes)))], body: text)
    case .slack:
      let code = mac(Array("v0:\(seconds):".utf8) + bytes)
      return RawRequest(
        path,
        [
          ("Content-Type", "application/x-www-form-urlencoded"), ("X-Slack-Request-Timestamp", "\(seconds)"),
          ("X-Slack-Signature", "v0=" + Hex.text(code)),
        ], body: text)
    case .alertmanager: return RawRequest(path, [json, ("Authorization", "Bearer " + key)], body: text)
    case .report:
      return RawRequest(path, [("Content-Type", "text/csv"), ("Authorization", "Bearer " + key)], body: text)
    case .awsSNS, .githubPartner: return nil
    }
  }

  static func sample(_ kind: RouteKind) -> String {
    switch kind {
    case .github: #"{"action":"created","alert":{"number":1}}"#
    case .gitlab: #"{"object_kind":"vulnerability","object_attributes":{"report_type":"secret_detection"}}"#
    case .gitlabRevocation:
      #"[{"type":"aws","token":"planted-\#(key)","location":"https://gitlab.example.org/x"}]"#
    case .gitguardian: #"{"action":"incident_triggered","incident":{"id":3}}"#
    case .standardWebhooks: #"{"type":"leak.found"}"#
    case .pagerduty: #"{"event":{"id":"01CH754SM17TWPE2V2H4VPBRO7","event_type":"incident.triggered"}}"#
    case .slack: "command=%2Fstaunch&text=status&trigger_id=1"
    case .alertmanager: #"{"version":"4","status":"firing","groupKey":"k","alerts":[{"fingerprint":"f"}]}"#
    case .cloudEvents: #"{"leak":1}"#
    case .report: "RuleID,Secret\naws,planted-\(key)\n"
    case .awsSNS, .githubPartner: "{}"
    }
  }
}
