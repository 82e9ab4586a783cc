import Cryptography
import Foundation
import JSON
import Secrets

@testable import WebhookSignatures

/// Shows any header fields, body and certificate to every verifier. None may take a message that this file did not sign.
///
/// The input is lines `name: value` up to an empty line, and the body. `{hmac}` in a value stands for the signature of the
/// body that the key would make, so that what comes after a good signature is reached; only then may it be taken.
/// Shared by `Benchmarks/fuzz/run` and by the test that replays its corpus.
struct FuzzTarget: Sendable {
  struct Fault: Error, CustomStringConvertible { let description: String }

  private let verifiers: [(name: String, verifier: any WebhookVerifier)]
  private let key = Array("a key of 32 bytes for the fuzzing".utf8)
  private let now = Date(timeIntervalSince1970: 1_790_000_000)
  /// Public keys whose private halves nobody has.
  private static let partner = """
    -----BEGIN PUBLIC KEY-----
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEtTURKDirldONo3cbyfWzFBw5/PGQ
    UGAiQzd66FdWcrKEb2MSlL+l/Em9VbqQ4/L73Jn7I753053yLqtXv76CwQ==
    -----END PUBLIC KEY-----
    """
  private static let ed25519 = "whpk_LVSNGBLmslhmsDX+Z71r1hfgMmmxfyVQ5O4AcH/CX8M="

  init(directory: String) throws {
    let secret = Secret(SecretBytes(copying: key))
    let base64 = Secret("whsec_" + Data(key).base64EncodedString())
    verifiers = [
      ("github", try GitHubSignature(keys: [secret])),
      ("gitlab", try GitLabToken(tokens: [secret])),
      ("gitguardian", try GitGuardianSignature(tokens: [secret])),
      ("pagerduty", try PagerDutySignature(keys: [secret])),
      ("slack", try SlackSignature(keys: [secret])),
      ("token", try AuthorizationToken(bearers: [secret], credentials: [Secret("user:password-of-fuzz")])),
      ("partner", try GitHubPartnerSignature(keys: ["k1": Self.partner])),
      (
        "standard",
        try StandardWebhookSignature(
          keys: [base64], publicKeys: [Self.ed25519])
      ),
    ]
  }

  func exercise(_ bytes: [UInt8]) throws {
    let end = bytes.firstRange(of: [0x0A, 0x0A])
    let head = bytes[..<(end?.lowerBound ?? bytes.endIndex)]
    let body = Array(bytes[(end?.upperBound ?? bytes.endIndex)...])
    var isSigned = false
    var fields: [(name: String, value: String)] = []
    for line in head.split(separator: 0x0A).prefix(40) {
      let pair = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2 else { continue }
      var value = String(decoding: pair[1].drop { $0 == 0x20 }, as: UTF8.self)
      if value.contains("{hmac}") {
        isSigned = true
        let code = HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: key))
        value = value.replacing("{hmac}", with: Hex.text(Array(code)))
      }
      if value.contains("{token}") {
        isSigned = true
        value = value.replacing("{token}", with: String(decoding: key, as: UTF8.self))
      }
      fields.append((name: String(decoding: pair[0], as: UTF8.self), value: value))
    }
    let headers = WebhookHeaders(fields)
    for (name, verifier) in verifiers {
      do throws(SignatureError) {
        let delivery = try verifier.verify(headers, body: body, now: now)
        guard isSigned else { break }
        guard !delivery.bodyDigest.isEmpty else { break }
        continue
      } catch {
        continue  // refused
      }
      throw Fault(description: "\(name) took a message that nobody signed")
    }
    try sns(body, certificate: String(decoding: head, as: UTF8.self))
  }

  /// The certificate stands where the fields do.
  private func sns(_ body: [UInt8], certificate: String) throws {
    do throws(SignatureError) {
      let message = try SNSMessage(body: body, topics: ["arn:aws:sns:eu-west-1:123456789012:staunch"])
      for address in [try? message.certificateURL(), try? message.subscribeURL()] {
        guard let address else { continue }
        guard let host = URL(string: address)?.host() ?? URLComponents(string: address)?.host,
          host.hasPrefix("sns."), host.hasSuffix(".amazonaws.com") || host.hasSuffix(".amazonaws.com.cn")
        else { break }
      }
      _ = try message.verify(certificate: certificate, now: now, window: 1e9)
    } catch {
      return
    }
  }
}
