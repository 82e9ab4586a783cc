public import Capabilities
import Cryptography
import Foundation
import Incidents
import JSON
import Secrets

/// Signed JSON to any URL, by Standard Webhooks 1.0: `webhook-id` stays the same over retries, so the receiver can drop
/// what it has seen.
///
/// Payload: `{"type": "incident.opened", "timestamp": …, "data": {incident, sequence, title, body, severity, drill}}`,
/// below 20 KB (the body is shortened). Types: `incident.detected`, `incident.opened`, `incident.contained`,
/// `incident.updated`, `incident.closed`. Redirects are refused, 410 means that the receiver wants no more.
/// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
public struct StandardWebhook: TicketSystem {
  public static let kind = "standard-webhooks"
  public static let summary = "Signed JSON messages to any URL (Standard Webhooks)."
  public static let settings = [
    SettingDeclaration("url", required: true, "where messages are posted; holds no credential"),
    SettingDeclaration("secret", required: true, secret: true, "the signing secret, whsec_… or raw"),
    SettingDeclaration(
      "old_secret", secret: true, "the one before, while the receiver changes over: both sign"),
    SettingDeclaration("public", "true when everyone can read what arrives there"),
  ]

  public let isPublic: Bool
  public var canLookUp: Bool { false }
  public var isIdempotent: Bool { true }

  private let url: String
  private let secrets: [String]
  private let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    self.environment = environment
    url = try target.text("url")
    secrets = [try target.text("secret")] + [try target.optionalText("old_secret")].compactMap { $0 }
    isPublic = target.settings["public"]?.boolean ?? false
  }

  /// The secrets are there and the receiver answers something: whether it takes messages is known only by sending one.
  public func readiness() async -> [Readiness] {
    var found: [Readiness] = []
    for (name, reference) in zip(["secret", "old_secret"], secrets) {
      do throws(CapabilityError) {
        _ = try Self.key(try await environment.sources.resolve(reference))
        found.append(Readiness(name, .ready("it is there")))
      } catch { found.append(Readiness(name, error)) }
    }
    let host = URLComponents(string: url)?.host ?? "the receiver"
    do throws(CapabilityError) {
      let answer = try await environment.http.fetch(.get(url, timeout: .seconds(10)))
      guard answer.status != 410 else {
        return found + [
          Readiness(
            host,
            .missing(
              because: "it wants no more messages (HTTP 410)", fix: "name another url, or remove the tracker")
          )
        ]
      }
      found.append(Readiness(host, .ready("it answers (HTTP \(answer.status) to a GET)")))
      found.append(
        Readiness("receiving", .unknown(because: "only a message shows whether \(host) takes messages")))
    } catch {
      found.append(
        Readiness(
          host,
          .missing(
            because: "it cannot be reached: \(error.because)",
            fix: "check url in staunch.yaml, the name server and the proxy")))
    }
    return found
  }

  public func find(_ message: TicketMessage) async throws(CapabilityError) -> TicketRef? { nil }

  public func deliver(
    _ message: TicketMessage, to ticket: TicketRef?, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> TicketRef? {
    let payload = Self.payload(message)
    let seconds = Int(environment.now().timeIntervalSince1970)
    var signatures: [String] = []
    for reference in secrets {
      let key = try Self.key(try await environment.sources.resolve(reference))
      signatures.append(Self.signature(id: message.id, seconds: seconds, payload: payload, key: key))
    }
    let answer = try await environment.http.send(
      HTTPRequest(
        .post, url,
        headers: [
          ("Content-Type", .text("application/json")), ("webhook-id", .text(message.id)),
          ("webhook-timestamp", .text("\(seconds)")),
          ("webhook-signature", .text(signatures.joined(separator: " "))),
          ("Idempotency-Key", .text(message.id)),
        ], body: .bytes(Data(payload)), timeout: .seconds(20)), under: authority)
    let host = URLComponents(string: url)?.host ?? "the receiver"
    let operation = "POST webhook to \(host)"
    if answer.status == 410 {
      throw CapabilityError(
        .configuration, operation, because: "the receiver wants no more messages (HTTP 410)",
        fix: "remove or correct the tracker in staunch.yaml, then: staunch ticket send")
    }
    if let failure = answer.failure(
      operation, changes: false, now: environment.now(), fix: "check the signing secret on both sides")
    {
      throw failure  // idempotent by webhook-id: a failure of the server may simply be repeated
    }
    return TicketRef(id: message.incident.rawValue, url: nil)
  }

  /// Below this many bytes with every escape counted. Receivers limit bodies to 20 KB.
  private static let largest = 19_000

  static func payload(_ message: TicketMessage) -> [UInt8] {
    var body = message.body
    while true {
      let payload: JSONValue = [
        "type": .string(message.event.rawValue), "timestamp": .string(Timestamp.text(message.at)),
        "data": [
          "incident": .string(message.incident.rawValue), "sequence": .integer(message.sequence),
          "title": .string(message.title), "body": .string(body),
          "severity": .string(message.severity.rawValue),
          "drill": .boolean(message.isDrill),
        ],
      ]
      let bytes = payload.canonicalBytes
      guard bytes.count > largest, !body.isEmpty else { return bytes }
      body = String(body.prefix(max(0, min(body.count * largest / bytes.count, body.count - 1) - 20)))
      body += body.isEmpty ? "" : "\n[shortened]"
      if body.count <= 12 { body = "" }
    }
  }

  /// HMAC-SHA256 over `id.timestamp.payload`.
  static func signature(id: String, seconds: Int, payload: [UInt8], key: SymmetricKey) -> String {
    var hmac = HMAC<SHA256>(key: key)
    hmac.update(data: Array("\(id).\(seconds).".utf8))
    hmac.update(data: payload)
    return "v1," + Data(hmac.finalize()).base64EncodedString()
  }

  /// `whsec_` is followed by base64; anything else is taken as it is.
  static func key(_ secret: Secret) throws(CapabilityError) -> SymmetricKey {
    let text = secret.exposeAsText()
    guard text.hasPrefix("whsec_") else { return SymmetricKey(data: secret.exposeAsBytes()) }
    guard let bytes = Data(base64Encoded: String(text.dropFirst("whsec_".count))), bytes.count >= 16 else {
      throw CapabilityError(
        .configuration, "sign webhook", because: "what follows whsec_ is not base64 of at least 16 bytes",
        fix: "copy the signing secret again from the receiver")
    }
    return SymmetricKey(data: bytes)
  }
}
