import Cryptography
public import Foundation
import JSON
import Secrets

/// A message that AWS SNS posts. Nothing of it is true before ``verify(certificate:now:)``.
///
/// The order of the checks matters: the topic before any fetch, the certificate's address before it is fetched, the signature
/// before the subscription's address is. Source: SNS developer guide, "Verifying the signatures of Amazon SNS messages".
public struct SNSMessage: Sendable {
  /// What it is for.
  public enum Kind: String, Sendable {
    case notification = "Notification"
    case subscriptionConfirmation = "SubscriptionConfirmation"
    case unsubscribeConfirmation = "UnsubscribeConfirmation"
  }

  public let kind: Kind
  public let id: String
  public let topic: String
  /// The text that was published.
  public let message: String
  private let fields: [String: String]
  private let bodyDigest: String

  /// How old a message may be: SNS retries for an hour.
  public static let window: TimeInterval = 3600

  /// - Parameters:
  ///   - body: exactly as received; SNS sends JSON as text/plain.
  ///   - topics: the only topics of this route.
  /// - Throws: `.malformed`, `.unknownKey` for another topic.
  public init(body: [UInt8], topics: Set<String>) throws(SignatureError) {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: body)
    } catch {
      throw SignatureError(.malformed, "the message is no JSON")
    }
    var fields: [String: String] = [:]
    for (name, member) in value.object ?? [:] { fields[name] = member.string }
    guard let type = fields["Type"].flatMap(Kind.init), let id = fields["MessageId"],
      let topic = fields["TopicArn"], let message = fields["Message"], fields["Timestamp"] != nil
    else { throw SignatureError(.malformed, "the message lacks a member that SNS always sends") }
    guard topics.contains(topic) else {
      throw SignatureError(.unknownKey, "the topic is none of this route's")
    }
    kind = type
    self.id = id
    self.topic = topic
    self.message = message
    self.fields = fields
    bodyDigest = Hex.text(SHA256.hash(data: body))
  }

  /// Where the signing certificate is, when the address is AWS's own.
  /// - Throws: `.malformed`. Fetch it without following redirects, at most 64 KiB.
  public func certificateURL() throws(SignatureError) -> String {
    let url = try amazonURL("SigningCertURL")
    // One file has one name: else each way to write it would be one more fetch.
    guard url.wholeMatch(of: /https:\/\/[a-zA-Z0-9.-]+\/[a-zA-Z0-9_-]{1,128}\.pem/) != nil else {
      throw SignatureError(.malformed, "SigningCertURL names no .pem file")
    }
    return url
  }

  /// What to GET to confirm the subscription. Only after ``verify(certificate:now:)``.
  /// - Throws: `.malformed` when the address is not AWS's own.
  public func subscribeURL() throws(SignatureError) -> String { try amazonURL("SubscribeURL") }

  /// Proves that AWS sent it.
  /// - Parameters:
  ///   - certificate: PEM, fetched from ``certificateURL()``.
  ///   - window: how far its time may be from now, in seconds.
  public func verify(certificate: String, now: Date, window: TimeInterval = SNSMessage.window)
    throws(SignatureError) -> VerifiedDelivery
  {
    guard let text = fields["Signature"], let bytes = Data(base64Encoded: text) else {
      throw SignatureError(.malformed, "Signature is no base64")
    }
    let key = try Self.publicKey(certificate, now: now)
    let digest: RSA.Digest
    switch fields["SignatureVersion"] {
    case "1": digest = .sha1
    case "2": digest = .sha256
    default: throw SignatureError(.malformed, "SignatureVersion is neither 1 nor 2")
    }
    guard key.isValidSignature(bytes, for: Data(stringToSign.utf8), digest: digest) else {
      throw SignatureCheck.mismatch
    }
    guard let sent = instant, abs(now.timeIntervalSince(sent)) <= window else {
      throw SignatureError(.expired, "Timestamp is more than \(Int(window)) s away from now")
    }
    return VerifiedDelivery(id: id, isIDSigned: true, digest: bodyDigest)
  }

  /// The chain is not checked: HTTPS to AWS's own host vouches for the certificate, as in AWS's SDKs.
  private static func publicKey(_ pem: String, now: Date) throws(SignatureError) -> RSA.PublicKey {
    let certificate: Certificate
    do { certificate = try Certificate(pem: pem) } catch {
      throw SignatureError(.malformed, "the signing certificate is no X.509 certificate with an RSA key")
    }
    guard certificate.notBefore <= now, now <= certificate.notAfter else {
      throw SignatureError(.expired, "the signing certificate is not valid now")
    }
    return certificate.publicKey
  }

  /// The members in the order that SNS signs, each as `name\nvalue\n`.
  var stringToSign: String {
    let names =
      switch kind {
      case .notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
      case .subscriptionConfirmation, .unsubscribeConfirmation:
        ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
      }
    return names.compactMap { name in fields[name].map { "\(name)\n\($0)\n" } }.joined()
  }

  private var instant: Date? {
    guard let text = fields["Timestamp"] else { return nil }
    do {
      return try Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    } catch {
      return nil  // no instant: the caller refuses the message
    }
  }

  /// An https address of SNS itself: `sns.<region>.amazonaws.com`, without user, port or another path's tricks.
  private func amazonURL(_ name: String) throws(SignatureError) -> String {
    let refusal = SignatureError(.malformed, "\(name) is no address of SNS")
    guard let text = fields[name], text.hasPrefix("https://"),
      text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "#") })
    else { throw refusal }
    let host = text.dropFirst(8).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    var labels = host.split(separator: ".", omittingEmptySubsequences: false)
    if labels.last == "cn" { labels.removeLast() }
    guard labels.count == 4, labels[0] == "sns", labels[2] == "amazonaws", labels[3] == "com",
      labels[1].count >= 3, labels[1].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" })
    else { throw refusal }
    return text
  }
}
