import Foundation
import JSON
import Testing
import WebhookSignatures

@Suite struct SNSMessageTests {
  static let topic = "arn:aws:sns:us-east-1:123456789012:leak-alerts"
  static let sent = Date(timeIntervalSince1970: 1_795_435_200)  // 2026-11-23T12:00:00Z

  static let signed = sent.addingTimeInterval(6000)

  private func message(_ name: String, changing changes: [String: JSONValue] = [:]) throws -> SNSMessage {
    var fields = try #require(try JSONValue(parsing: try Fixture.text(name)).object)
    for (name, value) in changes { fields[name] = value }
    return try SNSMessage(body: JSONValue.object(fields).canonicalBytes, topics: [Self.topic])
  }

  @Test(arguments: ["sns.Notification.v2.json", "sns.SubscriptionConfirmation.v2.json"])
  func aSignedMessageIsAccepted(name: String) throws {
    let certificate = try Fixture.text("sns.certificate.pem")
    // The vector's certificate is 85 minutes younger than its message.
    let delivery = try message(name).verify(certificate: certificate, now: Self.signed, window: 7200)
    #expect(delivery.id == "7f1c2d3e-4a5b-5c6d-8e9f-0a1b2c3d4e5f")
    #expect(delivery.isIDSigned)
  }

  @Test(arguments: ["Message", "MessageId", "Subject", "Timestamp"])
  func aChangedMemberIsRefused(member: String) throws {
    let changed = try message("sns.Notification.v2.json", changing: [member: "2026-11-23T12:00:01.000Z"])
    let error = #expect(throws: SignatureError.self) {
      try changed.verify(certificate: try Fixture.text("sns.certificate.pem"), now: Self.signed, window: 7200)
    }
    #expect(error?.code == .mismatch)
  }

  @Test func aMessageOfMoreThanAnHourAgoIsRefused() throws {
    let certificate = try Fixture.text("sns.certificate.pem")
    let error = #expect(throws: SignatureError.self) {
      try message("sns.Notification.v2.json")
        .verify(certificate: certificate, now: Self.signed)
    }
    #expect(error?.because.hasPrefix("Timestamp") == true)
  }

  @Test func anotherTopicIsRefusedBeforeAnythingIsFetched() throws {
    let body = Array(try Fixture.text("sns.Notification.v2.json").utf8)
    let error = #expect(throws: SignatureError.self) { try SNSMessage(body: body, topics: ["arn:aws:sns:x"]) }
    #expect(error?.code == .unknownKey)
  }

  @Test(
    arguments: [
      "http://sns.us-east-1.amazonaws.com/a.pem", "https://sns.us-east-1.amazonaws.com.evil.test/a.pem",
      "https://evil.test/sns.us-east-1.amazonaws.com/a.pem",
      "https://sns.us-east-1.amazonaws.com@evil.test/a.pem",
      "https://user@sns.us-east-1.amazonaws.com/a.pem", "https://sns.us-east-1.amazonaws.com:8443/a.pem",
      "https://s3.us-east-1.amazonaws.com/a.pem", "https://sns.us-east-1.amazonaws.com/a.txt",
      "https://sns.us-east-1.amazonaws.com/a.pem?x=.pem", "https://sns..amazonaws.com/a.pem",
      "https://sns.us-east-1.amazonaws.com\\@evil.test/a.pem", "https://sns.us-east-1.аmazonaws.com/a.pem",
      "https://sns.us-east-1.amazonaws.com#@evil.test/a.pem?.pem",
      // Other spellings of one file, each of which would be fetched anew.
      "https://sns.us-east-1.amazonaws.com/a.pem#1.pem", "https://sns.us-east-1.amazonaws.com/b/../a.pem",
      "https://sns.us-east-1.amazonaws.com/%61.pem", "https://sns.us-east-1.amazonaws.com//a.pem",
      "https://sns.us-east-1.amazonaws.com/a b.pem", "https://sns.us-east-1.amazonaws.com/a\r\nX: y.pem",
    ])
  func aCertificateAddressThatIsNotSNSsOwnIsRefused(url: String) throws {
    let message = try message("sns.Notification.v2.json", changing: ["SigningCertURL": .string(url)])
    #expect(throws: SignatureError.self) { try message.certificateURL() }
  }

  @Test(arguments: ["sns.eu-west-1.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn"])
  func aCertificateAddressOfSNSIsAccepted(host: String) throws {
    let url = "https://\(host)/SimpleNotificationService-0123.pem"
    let message = try message("sns.Notification.v2.json", changing: ["SigningCertURL": .string(url)])
    #expect(try message.certificateURL() == url)
  }

  @Test func theSubscriptionAddressFollowsTheSameRule() throws {
    let good = try message("sns.SubscriptionConfirmation.v2.json")
    #expect(
      try good.subscribeURL().hasPrefix("https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription"))
    for address in [
      "https://169.254.169.254/latest/", "https://sns.us-east-1.amazonaws.com/?a=b\r\nX-A: b",
      "https://sns.us-east-1.amazonaws.com/ ?a=b", "https://sns.us-east-1.amazonaws.com/?a=b#c",
    ] {
      let bad = try message(
        "sns.SubscriptionConfirmation.v2.json", changing: ["SubscribeURL": .string(address)])
      #expect(throws: SignatureError.self, "\(address)") { try bad.subscribeURL() }
    }
  }

  @Test func anotherCertificateIsRefused() throws {
    #expect(throws: SignatureError.self) {
      try message("sns.Notification.v2.json").verify(certificate: "no certificate", now: Self.sent)
    }
  }

  @Test func aMessageSignedWithSHA1IsAccepted() throws {
    let key = try OpenSSLKey()
    let sent = Date()  // the certificate begins now
    let fields: [(String, String)] = [
      ("Message", "hello"), ("MessageId", "m-1"),
      ("Timestamp", sent.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))),
      ("TopicArn", Self.topic), ("Type", "Notification"),
    ]
    let text = fields.map { "\($0.0)\n\($0.1)\n" }.joined()
    var members = Dictionary(uniqueKeysWithValues: fields.map { ($0.0, JSONValue.string($0.1)) })
    members["SignatureVersion"] = "1"
    members["Signature"] = .string(try key.sign(text, digest: "-sha1").base64EncodedString())
    let message = try SNSMessage(body: JSONValue.object(members).canonicalBytes, topics: [Self.topic])
    _ = try message.verify(certificate: key.certificate, now: sent.addingTimeInterval(2))
  }
}
