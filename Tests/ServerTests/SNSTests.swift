import Foundation
import Inbox
import JSON
import TestSupport
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(3))) struct SNSTests {
  let sender: SNSSender
  let now: Date

  init() async throws {
    sender = try await SNSSender()
    // After the certificate was made: it is not valid before. Whole seconds, as the certificate's.
    now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
  }

  private func with(
    _ fetching: TableFetching, limits: ReceiverLimits = .roomy,
    _ body: @Sendable (RunningReceiver) async throws -> Void
  ) async throws {
    let now = now
    try await RunningReceiver.with(
      [SNSSender.route], limits: limits, fetching: fetching, now: { now }, body)
  }

  @Test(arguments: ["1", "2"])
  func `a notification of either signature version is stored, its certificate fetched once`(version: String)
    async throws
  {
    let fetching = TableFetching([SNSSender.address: sender.certificate])
    try await with(fetching) { server async throws in
      for id in ["a", "b", "b"] {
        let body = try await sender.body(SNSSender.notification(id, at: now), version: version)
        #expect(try await server.send(SNSSender.request(body)).status == 202)
      }
      #expect(try server.deliveries().map(\.id) == ["a", "b"])
      #expect(fetching.asked == [SNSSender.address])
    }
  }

  @Test func `a subscription is confirmed at SNS's own address, after its signature`() async throws {
    let address = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=token"
    let fetching = TableFetching([SNSSender.address: sender.certificate, address: []])
    try await with(fetching) { server async throws in
      let body = try await sender.body(SNSSender.confirmation(at: now, address: address))
      #expect(try await server.send(SNSSender.request(body)).status == 200)
      #expect(fetching.asked == [SNSSender.address, address])
      #expect(try server.deliveries().isEmpty)
    }
  }

  @Test func `a subscription with a bad signature is not confirmed`() async throws {
    let address = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=token"
    let fetching = TableFetching([SNSSender.address: sender.certificate, address: []])
    try await with(fetching) { server async throws in
      let body = try await sender.body(SNSSender.confirmation(at: now, address: address))
        .replacing("\"token\"", with: "\"other\"")
      #expect(try await server.send(SNSSender.request(body)).status == 401)
      #expect(fetching.asked == [SNSSender.address])
    }
  }

  @Test(arguments: [
    "https://169.254.169.254/latest/", "http://sns.us-east-1.amazonaws.com/", "https://evil.example.org/",
  ])
  func `a signed message cannot send us to another host`(address: String) async throws {
    let fetching = TableFetching([SNSSender.address: sender.certificate, address: []])
    try await with(fetching) { server async throws in
      let body = try await sender.body(SNSSender.confirmation(at: now, address: address))
      #expect(try await server.send(SNSSender.request(body)).status == 401)
      #expect(fetching.asked == [SNSSender.address])
    }
  }

  @Test func `another topic, or a certificate elsewhere, is refused before anything is fetched`() async throws
  {
    let fetching = TableFetching([SNSSender.address: sender.certificate])
    try await with(fetching) { server async throws in
      let other = SNSSender.notification(at: now, topic: "arn:aws:sns:us-east-1:999999999999:mine")
      #expect(try await server.send(SNSSender.request(try await sender.body(other))).status == 401)
      var elsewhere = SNSSender.notification(at: now)
      elsewhere["SigningCertURL"] = "https://evil.example.org/x.pem"
      #expect(try await server.send(SNSSender.request(try await sender.body(elsewhere))).status == 401)
      #expect(fetching.asked.isEmpty)
    }
  }

  @Test func `a message of more than an hour ago is refused`() async throws {
    let fetching = TableFetching([SNSSender.address: sender.certificate])
    try await with(fetching) { server async throws in
      let body = try await sender.body(SNSSender.notification(at: now.addingTimeInterval(-3601)))
      #expect(try await server.send(SNSSender.request(body)).status == 401)
    }
  }

  @Test func `a certificate that cannot be had is our fault: SNS must come again`() async throws {
    try await with(TableFetching([:])) { server async throws in
      let body = try await sender.body(SNSSender.notification(at: now))
      #expect(try await server.send(SNSSender.request(body)).status == 503)
    }
  }

  @Test func `no fetch may take longer than the answer`() async throws {
    let address = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=token"
    let fetching = TableFetching([SNSSender.address: sender.certificate, address: []])
    try await with(fetching, limits: .roomy { $0.answerSeconds = 1.5 }) { server async throws in
      let body = try await sender.body(SNSSender.confirmation(at: now, address: address))
      #expect(try await server.send(SNSSender.request(body)).status == 200)
      #expect(fetching.timeouts.count == 2)
      #expect(fetching.timeouts.allSatisfy { $0 <= .seconds(1.5) })
    }
  }

  @Test func `a certificate above 64 KiB is not taken`() async throws {
    let large = [UInt8](repeating: 0x41, count: (64 << 10) + 1)
    try await with(TableFetching([SNSSender.address: large])) { server async throws in
      let body = try await sender.body(SNSSender.notification(at: now))
      #expect(try await server.send(SNSSender.request(body)).status == 503)
    }
  }

  @Test
  func
    `certificates are kept a day, and one sender's fetches of a minute are ten, which takes nothing from others`()
    async throws
  {
    let addresses = (0..<80).map { "https://sns.r-\($0).amazonaws.com/a.pem" }
    let fetching = TableFetching(Dictionary(uniqueKeysWithValues: addresses.map { ($0, Array("pem".utf8)) }))
    let cache = CertificateCache(fetching: fetching)
    func fetch(_ number: Int, for client: String, after seconds: TimeInterval = 0) async throws {
      _ = try await cache.certificate(
        at: addresses[number], for: client, now: now.addingTimeInterval(seconds))
    }
    for number in 0..<10 { try await fetch(number, for: "192.0.2.1") }
    await #expect(throws: FetchError.self) { try await fetch(10, for: "192.0.2.1") }
    try await fetch(10, for: "192.0.2.2")
    try await fetch(10, for: "192.0.2.1", after: 86399)
    #expect(fetching.asked.count == 11)
    try await fetch(10, for: "192.0.2.1", after: 86401)
    #expect(fetching.asked.count == 12)
    // Sixty of all senders together.
    for number in 11..<70 { try await fetch(number, for: "198.51.100.\(number)", after: 86401) }
    await #expect(throws: FetchError.self) { try await fetch(70, for: "203.0.113.1", after: 86401) }
  }
}
