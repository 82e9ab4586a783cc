import Foundation
import JSON
import TestSupport

@testable import Server

/// Signs as SNS does, by openssl, with a key and certificate made for the test.
struct SNSSender {
  static let topic = "arn:aws:sns:us-east-1:123456789012:leak-alerts"
  static let address = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-test.pem"
  let certificate: [UInt8]
  private let directory: TemporaryDirectory

  init() async throws {
    directory = try TemporaryDirectory()
    _ = try await Program.run(
      [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
        "-subj", "/CN=sns.amazonaws.com", "-days", "2",
      ], in: directory.path)
    certificate = Array(FileManager.default.contents(atPath: directory.path("cert.pem")) ?? Data())
  }

  /// The members of a message, signed with version 2 (SHA-256) or 1 (SHA-1).
  func body(_ members: [String: String], version: String = "2") async throws -> String {
    var fields = members
    fields["SignatureVersion"] = version
    fields["SigningCertURL"] = fields["SigningCertURL"] ?? Self.address
    let names =
      fields["Type"] == "Notification"
      ? ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
      : ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    let text = names.compactMap { name in fields[name].map { "\(name)\n\($0)\n" } }.joined()
    try Data(text.utf8).write(to: URL(filePath: directory.path("text")))
    let hash = version == "1" ? "-sha1" : "-sha256"
    _ = try await Program.run(
      ["openssl", "dgst", hash, "-sign", "key.pem", "-out", "signature", "text"], in: directory.path)
    let signature = FileManager.default.contents(atPath: directory.path("signature")) ?? Data()
    fields["Signature"] = signature.base64EncodedString()
    return JSONValue.object(fields.mapValues { .string($0) }).canonicalText
  }

  static func notification(_ id: String = "m1", at date: Date, topic: String = topic) -> [String: String] {
    [
      "Type": "Notification", "MessageId": id, "TopicArn": topic,
      "Message": #"{"detail":{"eventTypeCode":"x"}}"#,
      "Timestamp": date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)),
    ]
  }

  static func confirmation(at date: Date, address: String) -> [String: String] {
    var members = notification("c1", at: date)
    members["Type"] = "SubscriptionConfirmation"
    members["SubscribeURL"] = address
    members["Token"] = "token"
    return members
  }

  static func request(_ body: String) -> RawRequest {
    RawRequest("/aws-sns", [("Content-Type", "text/plain; charset=UTF-8")], body: body)
  }

  static var route: RouteSettings {
    var route = TestKeys.route(.awsSNS)
    route.topics = [topic]
    return route
  }
}
