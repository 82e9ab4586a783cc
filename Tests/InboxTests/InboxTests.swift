import Foundation
import GRDB
import Inbox
import JSON
import Secrets
import TestSupport
import Testing

@Suite struct InboxTests {
  let directory: TemporaryDirectory
  let key = InboxPrivateKey()
  let now = Date(timeIntervalSince1970: 1_790_000_000)
  init() throws { directory = try TemporaryDirectory(inMemory: true) }
  var path: String { directory.path("exchange.sqlite") }

  func receiver() throws -> Inbox { try Inbox.open(path: path, sealingTo: key.publicKey) }
  func worker() throws -> Inbox { try Inbox.open(path: path, key: key) }

  func delivery(_ body: String, id: String? = nil, signed: Bool = false, route: String = "/hooks/github")
    -> NewDelivery
  {
    let digest = FakeSecrets.value("digest", body)
    return NewDelivery(
      route: route, source: "github", id: id ?? digest, isIDSigned: signed, bodyDigest: digest,
      event: "secret_scanning_alert", contentType: "application/json", receivedAt: now, body: Array(body.utf8)
    )
  }

  @Test func `what the receiver stores, the worker reads, in order`() async throws {
    let inbox = try receiver()
    for name in ["one", "two", "three"] {
      let acceptance = try await inbox.append(delivery(name))
      #expect(acceptance != .duplicate)
    }
    let deliveries = try worker().pendingDeliveries(limit: 10)
    #expect(deliveries.map { $0.body.exposeAsText() } == ["one", "two", "three"])
    #expect(deliveries.first?.event == "secret_scanning_alert")
    #expect(deliveries.first?.receivedAt == now)
    #expect(try worker().pendingDeliveries(limit: 2).count == 2)
  }

  @Test func `appends of one commit each open on their own`() async throws {
    let inbox = try receiver()
    try await withThrowingTaskGroup(of: Acceptance.self) { group in
      for index in 0..<200 { group.addTask { try await inbox.append(delivery("body \(index)")) } }
      for try await acceptance in group { #expect(acceptance != .duplicate) }
    }
    let bodies = Set(try worker().pendingDeliveries(limit: 500).map { $0.body.exposeAsText() })
    #expect(bodies == Set((0..<200).map { "body \($0)" }))
  }

  @Test func `a known id is a duplicate on its route only`() async throws {
    let inbox = try receiver()
    #expect(try await inbox.append(delivery("a", id: "7", signed: true)) == .accepted(sequence: 1))
    #expect(try await inbox.append(delivery("b", id: "7", signed: true)) == .duplicate)
    #expect(
      try await inbox.append(delivery("a", id: "7", signed: true, route: "/other")) == .accepted(sequence: 2))
  }

  @Test func `an unsigned id protects nothing, so the same body is a duplicate too`() async throws {
    let inbox = try receiver()
    #expect(try await inbox.append(delivery("a", id: "7")) != .duplicate)
    #expect(try await inbox.append(delivery("a", id: "8")) == .duplicate)
    #expect(try await inbox.append(delivery("b", id: "7")) == .duplicate)
    #expect(try await inbox.append(delivery("c", id: "9", signed: true)) != .duplicate)
    #expect(try await inbox.append(delivery("c", id: "10", signed: true)) != .duplicate)
  }

  @Test func `the receiver cannot read what it stored`() async throws {
    let inbox = try receiver()
    _ = try await inbox.append(delivery("a"))
    let error = #expect(throws: InboxError.self) { try inbox.pendingDeliveries(limit: 1) }
    #expect(error?.code == .key)
  }

  @Test func `no form of a body stands in any file`() async throws {
    let token = FakeSecrets.value("github_pat_classic")
    let inbox = try receiver()
    _ = try await inbox.append(delivery("{\"token\":\"\(token)\"}"))
    let spool = try inbox.spool()
    try spool.write(Array("{\"token\":\"\(token)\"}".utf8))
    _ = try await inbox.append(delivery("spooled"), body: spool)
    for name in try FileManager.default.subpathsOfDirectory(atPath: directory.path) {
      guard let bytes = FileManager.default.contents(atPath: directory.path(name)) else { continue }
      for form in SecretForms.all(of: Secret(token)) {
        #expect(bytes.range(of: Data(form)) == nil, "\(name)")
      }
    }
  }

  @Test func `a finished delivery leaves no body, a failed one keeps it`() async throws {
    let inbox = try receiver()
    _ = try await inbox.append(delivery("one"))
    _ = try await inbox.append(delivery("two"))
    let worker = try worker()
    try worker.finish(1, outcome: "incident INC-1", dropBody: true)
    try worker.fail(2, reason: "no reader knows this format")
    #expect(try worker.pendingDeliveries(limit: 9).isEmpty)
    let counts = try worker.counts()
    #expect(counts == (pending: 0, done: 1, failed: 1))
    let queue = try DatabaseQueue(path: path)
    let boxes = try await queue.read { db in
      try Row.fetchAll(db, sql: "SELECT box IS NULL AS gone FROM deliveries ORDER BY sequence").map {
        $0["gone"] as Bool
      }
    }
    #expect(boxes == [true, false])
    let error = #expect(throws: InboxError.self) { try worker.finish(77, outcome: "x") }
    #expect(error?.code == .notFound)
  }

  @Test func `a body that was changed in the file fails alone`() async throws {
    let inbox = try receiver()
    _ = try await inbox.append(delivery("one"))
    _ = try await inbox.append(delivery("two"))
    let queue = try DatabaseQueue(path: path)
    try await queue.write { db in
      try db.execute(sql: "UPDATE deliveries SET box = zeroblob(length(box)) WHERE sequence = 1")
    }
    let worker = try worker()
    #expect(try worker.pendingDeliveries(limit: 9).map(\.sequence) == [2])
    #expect(try worker.counts().failed == 1)
  }

  @Test func `a box does not open beside another description`() async throws {
    let inbox = try receiver()
    _ = try await inbox.append(delivery("one"))
    let queue = try DatabaseQueue(path: path)
    try await queue.write { db in try db.execute(sql: "UPDATE deliveries SET source = 'report'") }
    #expect(try worker().pendingDeliveries(limit: 9).isEmpty)
  }

  @Test func `a spooled body is whole or refused`() async throws {
    let inbox = try receiver()
    let body = try inbox.spool()
    try body.write([1, 2, 3])
    try body.write([4, 5])
    _ = try await inbox.append(delivery("spooled"), body: body)
    #expect(try worker().pendingDeliveries(limit: 9).first?.body.exposeAsBytes() == [1, 2, 3, 4, 5])
    let spool = path + ".spool"
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: spool).first)
    let file = try FileHandle(forUpdating: URL(filePath: spool + "/" + name))
    try file.truncate(atOffset: file.seekToEnd() - 20)  // the frame that says "last"
    #expect(try worker().pendingDeliveries(limit: 9).isEmpty)
  }

  @Test func `a spool file goes with its duplicate, with a connection that broke, and with its delivery`()
    async throws
  {
    let inbox = try receiver()
    let spool = path + ".spool"
    do {
      let broken = try inbox.spool()
      try broken.write([1])
    }
    let first = try inbox.spool()
    _ = try await inbox.append(delivery("same"), body: first)
    let second = try inbox.spool()
    #expect(try await inbox.append(delivery("same"), body: second) == .duplicate)
    #expect(try FileManager.default.contentsOfDirectory(atPath: spool).count == 1)
    try worker().finish(1, outcome: "done", dropBody: true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: spool).isEmpty)
  }

  @Test func `keys are forgotten after eight days, and the oldest beyond the bound`() async throws {
    let inbox = try receiver()
    for index in 0..<5 { _ = try await inbox.append(delivery("\(index)", signed: true)) }
    #expect(try inbox.prune(now: now.addingTimeInterval(8 * 86400 - 1)) == 0)
    #expect(try await inbox.append(delivery("1", signed: true)) == .duplicate)
    #expect(try inbox.prune(now: now, mostKeys: 3) == 2)
    #expect(try inbox.prune(now: now.addingTimeInterval(8 * 86400 + 1)) == 3)
    #expect(try await inbox.append(delivery("1", signed: true)) != .duplicate)
    #expect(try inbox.pendingCount() == 6)
  }

  @Test func `a commit wakes the worker once for what is new`() async throws {
    let wakes = Wakes()
    let inbox = try Inbox.open(path: path, sealingTo: key.publicKey) { wakes.add() }
    _ = try await inbox.append(delivery("a"))
    _ = try await inbox.append(delivery("a"))
    #expect(wakes.count == 1)
  }

  @Test func `every commit is synchronous in full`() throws {
    _ = try receiver()
    let text = try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/Inbox/Inbox.swift"), encoding: .utf8)
    #expect(text.contains("PRAGMA synchronous = FULL"))
  }

  @Test func `a file of another program is left alone`() throws {
    try Data("not a database, but longer than a header of SQLite needs to be, so that it is looked at".utf8)
      .write(to: URL(filePath: path))
    let before = FileManager.default.contents(atPath: path)
    let error = #expect(throws: InboxError.self) { try receiver() }
    #expect(error?.code == .notAnInbox)
    #expect(FileManager.default.contents(atPath: path) == before)
  }

  @Test func `a file in a directory that the group shares is the group's too`() throws {
    #expect(chmod(directory.path, 0o770) == 0)
    _ = try receiver()
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o660)
  }

  @Test func `a key survives its text and its file form`() throws {
    #expect(try InboxPublicKey(text: key.publicKey.text + "\n").text == key.publicKey.text)
    #expect(try InboxPrivateKey(secret: key.secret).publicKey.text == key.publicKey.text)
    #expect(throws: InboxError.self) { try InboxPublicKey(text: "beef") }
  }
}

/// Counts calls from any thread.
final class Wakes: Sendable {
  private let box = Counter()
  var count: Int { box.value }
  func add() { box.add() }
}
