import Capabilities
import Incidents
import JSON
import MariaDBClient
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import CredentialProviders

/// A runner that is killed between two host rows, on a real server. Whoever resumes knows the value, and nothing else than
/// what the server shows.
@Suite struct MariaDBCrashTests {
  private static let hosts = ["%", "10.%", "127.%"]

  private struct World {
    let server: MariaDBServer
    let name: String
    let leaked: Secret
    let rotator: SQLLogin
    let value: Secret
    let order: IssueOrder

    init() async throws {
      server = try MariaDBServer.shared()
      let login = try await server.makeUser(MariaDBCrashTests.hosts)
      name = login.user
      leaked = try #require(login.password)
      rotator = try await server.makeRotator()
      let first = try MariaDBUserTests.provider(server, user: name, rotator: rotator)
      value = try #require(try first.generate())
      order = IssueOrder(marker: "m", generated: value, replacing: Leak(leaked))
    }

    var identity: CredentialRef { CredentialRef(name) }

    /// A process of its own: it has set nothing yet.
    func process(dyingAfter count: Int = .max, knowing present: [Secret] = []) throws
      -> any CredentialProvider
    {
      try MariaDBUser(
        TargetConfiguration(
          name: "db", kind: "mariadb",
          settings: [
            "host": .string(server.host), "port": .integer(server.port), "user": .string(name),
            "admin_user": .string(rotator.user), "admin_password": "env:ROTATOR",
          ], position: "staunch.yaml:1:1"),
        in: .forTests(
          mariadb: MortalWire(changes: count), secrets: ["env:ROTATOR": try #require(rotator.password)])
      ).knowing { present }
    }

    /// What `resume` asks: is the value accepted, and at every row?
    func isSet() async throws -> Bool {
      let provider = try process(knowing: [leaked])
      let probe = try await provider.verify(value, ref: nil)
      guard probe.state == .alive else {
        #expect(probe.state == .dead, "\(probe)")
        return false
      }
      do throws(CapabilityError) { _ = try await provider.ref(ofIssued: value) } catch {
        guard error.class == .notFound else { throw error }
        return false
      }
      return true
    }

    /// How many rows take `secret`, by the server's own word about each: from here only one of them is met.
    func rows(taking secret: Secret) async throws -> Int {
      var count = 0
      for host in MariaDBCrashTests.hosts {
        let text = try await server.sql("SHOW CREATE USER '\(name)'@'\(host)'")
        let row = try #require(MariaDBAccount(text))
        if row.judgement(of: secret) == .accepts, !row.isLocked { count += 1 }
      }
      return count
    }
  }

  @Test(arguments: [0, 1, 2, 3], [false, true])
  func `what a killed runner has set at some rows, the next one sets at the others`(
    count: Int, isLocked: Bool
  ) async throws {
    let world = try await World()
    if isLocked {
      try await world.process().disable(
        world.identity, leak: Leak(world.leaked), replacedBy: nil, under: .forTests())
    }
    let dying = try world.process(dyingAfter: count)
    await #expect(throws: CapabilityError.self) { try await dying.issue(world.order, under: .forTests()) }
    #expect(try await world.isSet() == (count == 3))
    let issued = try await world.process(knowing: [world.leaked]).issue(world.order, under: .forTests())
    #expect(try await world.isSet())
    #expect(try await world.rows(taking: world.value) == 3)
    // Contained already, it stays so.
    #expect(try await world.rows(taking: world.leaked) == (isLocked ? 0 : 3))
    #expect(try await world.process().ref(ofIssued: world.value) == issued.ref)
  }

  @Test(arguments: [0, 1, 2, 3])
  func `what a killed runner has stopped at some rows, the next one stops at the others`(count: Int)
    async throws
  {
    let world = try await World()
    let issued = try await world.process().issue(world.order, under: .forTests())
    let dying = try world.process(dyingAfter: count, knowing: [world.value])
    await #expect(throws: CapabilityError.self) {
      try await dying.disable(
        world.identity, leak: Leak(world.leaked), replacedBy: issued.ref, under: .forTests())
    }
    #expect(try await world.rows(taking: world.leaked) == 3 - count)
    let next = try world.process(knowing: [world.value])
    for _ in 0..<2 {
      try await next.disable(
        world.identity, leak: Leak(world.leaked), replacedBy: issued.ref, under: .forTests())
    }
    let probe = try await next.verify(world.leaked, ref: nil)
    #expect(probe.state == .dead && probe.isReplaced && !probe.isForeign, "\(probe)")
    #expect(try await world.rows(taking: world.value) == 3)
  }

  @Test(arguments: [0, 1, 2])
  func `what a killed runner has taken back at some rows, the next one takes back at the others`(count: Int)
    async throws
  {
    let world = try await World()
    let issued = try await world.process().issue(world.order, under: .forTests())
    let dying = try world.process(dyingAfter: count)
    await #expect(throws: CapabilityError.self) {
      try await dying.delete(issued.ref, under: .forTests())
    }
    try await world.process().delete(issued.ref, under: .forTests())
    #expect(try await world.rows(taking: world.value) == 0)
    #expect(try await world.rows(taking: world.leaked) == 3)
  }
}

/// The real client of a process that is killed behind its next changes: the answer of the last one never comes, and nothing
/// is sent after it.
private final class MortalWire: SQLConnector {
  private let left: Mutex<Int>
  private let real = MariaDBConnector()
  init(changes: Int) { left = Mutex(changes) }

  func connect(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession {
    Session(inner: try await real.connect(login), wire: self)
  }
  func tryLogin(_ login: SQLLogin) async -> LoginOutcome { await real.tryLogin(login) }

  /// How many changes there were to come, this one among them.
  private func take() -> Int {
    left.withLock { left in
      defer { left = max(0, left == .max ? left : left - 1) }
      return left
    }
  }

  private struct Session: SQLSession {
    let inner: any SQLSession
    let wire: MortalWire

    func query(_ statement: String, _ parameters: [String?]) async throws(CapabilityError) -> [[String?]] {
      try await inner.query(statement, parameters)
    }
    func execute(_ statement: String, _ parameters: [String?], under authority: borrowing ExecutionAuthority)
      async throws(CapabilityError) -> [[String?]]
    {
      let left = wire.take()
      guard left > 0 else {
        throw CapabilityError(.network, "ALTER USER", because: "the connection broke before it was sent")
      }
      let rows = try await inner.execute(statement, parameters, under: authority)
      guard left > 1 else {
        throw CapabilityError(.unknownOutcome, "ALTER USER", because: "the reply was lost")
      }
      return rows
    }
    func passwordVerifier(for password: Secret, user: String) async throws(CapabilityError) -> String {
      try await inner.passwordVerifier(for: password, user: user)
    }
    func quotedIdentifier(_ name: String) throws(CapabilityError) -> String {
      try inner.quotedIdentifier(name)
    }
    func quotedLiteral(_ text: String) throws(CapabilityError) -> String { try inner.quotedLiteral(text) }
    func close() async { await inner.close() }
  }
}
