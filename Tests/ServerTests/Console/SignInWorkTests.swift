import Foundation
import People
import Secrets
import Synchronization
import Testing

@testable import Server

/// Whoever measures how long a sign-in takes must not learn which names exist. Counted, not timed: time is the machine's.
@Suite struct SignInWorkTests {
  private static let cost = PasswordLock.Cost(n: 1 << 10, r: 8, p: 1)

  /// The scrypt costs of the keys that were derived.
  private func derivations(of attempts: [(name: String, password: String)]) async throws
    -> [[PasswordLock.Cost]]
  {
    let cost = try #require(Self.cost)
    let maria = try Person(
      name: "maria", roles: ["responder"], password: Secret("four random words here"), cost: cost)
    let people = PeopleDirectory([maria])
    let counted = Mutex<[PasswordLock.Cost]>([])
    let doorman = try Doorman(cost: cost) { person, password in
      counted.withLock { $0.append(person.lock.cost) }
      return try? person.identity(password: password)
    }
    var found: [[PasswordLock.Cost]] = []
    for (index, attempt) in attempts.enumerated() {
      counted.withLock { $0 = [] }
      _ = await doorman.check(
        name: attempt.name, password: Secret(attempt.password), people: people, client: "192.0.2.\(index)",
        now: Date(timeIntervalSince1970: 1_790_000_000))
      found.append(counted.withLock { $0 })
    }
    return found
  }

  @Test func `a name that exists and one that does not cost the same scrypt, whatever the password is`()
    async throws
  {
    let work = try await derivations(of: [
      ("maria", "four random words here"), ("maria", "wrong words"), ("mallory", "wrong words"), ("", "x"),
      ("maria", ""), ("mallory", ""), (String(repeating: "m", count: 5000), "x"),
      ("mallory", String(repeating: "p", count: 5000)), ("maria", String(repeating: "p", count: 5000)),
    ])
    let cost = try #require(Self.cost)
    #expect(work == Array(repeating: [cost], count: 9))
  }
}
